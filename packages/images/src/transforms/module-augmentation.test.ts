import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RandomStream } from '@hookline/core';
import { augment } from './augmentation.ts';
import { specOf } from './augmentation-spec.ts';
import { moduleAugmentation } from './module-augmentation.ts';
import { reviveAugmentation } from './revive-augmentation.ts';

let folder: string;
let module: URL;
beforeAll(async () => {
  folder = temporaryFolder();
  module = pathToFileURL(join(folder, 'own.mjs'));
  await writeFile(
    module,
    `class Own {
       constructor(by) { this.name = 'own'; this.by = by; }
       decide(_, random) {
         const by = this.by * random.int(9);
         return { applyImage: (i) => ({ ...i, data: i.data.map((x) => x + by) }), applyBoxes: (b) => b };
       }
     }
     export const own = (by) => new Own(by);
     export const later = async (by) => new Own(by);
     export const nothing = () => ({ name: 'nothing' });
     export const number = 5;`,
  );
});

it.each(['own', 'later'])(
  'makes the augmentation of the module, directly and from its specification: %s',
  async (name) => {
    const image = { data: Uint8Array.of(1, 2, 3), width: 1, height: 1, channels: 3 };
    const here = await moduleAugmentation(module, name, 7);
    const there = await reviveAugmentation(structuredClone(specOf(here)!));
    const values = [here, there].map((each) => {
      const { data } = augment([each], { image, boxes: new Float32Array(0) }, new RandomStream(3)).image;
      return [...data];
    });
    const by = 7 * new RandomStream(3).int(9);
    expect(values).toEqual(Array(2).fill([1 + by, 2 + by, 3 + by]));
  },
);

it('reports what is wrong with a module', async () => {
  const failing = (file: URL | string, name: string, ...args: unknown[]) =>
    expect(moduleAugmentation(file, name, ...args)).rejects;
  await failing(module, 'nothing').toThrow(
    /HKL_AUGMENTATION_MODULE\] \S+own\.mjs: .*"nothing" does not return an augmentation/,
  );
  await failing(module, 'number').toThrow(/own\.mjs: it exports no function "number"/);
  await failing(new URL('./none.mjs', module), 'own').toThrow(/none\.mjs: it cannot be imported: /);
  await failing('./own.mjs', 'own').toThrow(/\.\/own\.mjs: this is not the URL.*import\.meta\.url/);
  await failing(module, 'own', () => 1).toThrow(/own\.mjs: the arguments of "own" cannot be copied to a thread/);
});
