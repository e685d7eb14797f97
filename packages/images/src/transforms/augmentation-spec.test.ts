import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type AugmentationSpec, isBuiltIn, specOf } from './augmentation-spec.ts';
import { moduleAugmentation } from './module-augmentation.ts';
import { randomAffine, randomApply, randomFlip } from './random-augmentations.ts';

it('an augmentation is built-in when all its parts are', async () => {
  const folder = temporaryFolder();

  const module = join(folder, 'same.mjs');
  const decide = 'decide: () => ({ applyImage: (i) => i, applyBoxes: (b) => b })';
  await writeFile(module, `export const same = () => ({ name: 'same', ${decide} });`);
  const own = await moduleAugmentation(pathToFileURL(module), 'same');
  const all = [randomFlip(), randomAffine({ scale: 0.5 }), randomApply(randomFlip()), own, randomApply(own)];
  const specs = all.map(specOf) as AugmentationSpec[];
  expect(specs.map(isBuiltIn)).toEqual([true, true, true, false, false]);
});
