import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RandomStream, writePicture } from 'hookline';
import { composePhoto } from './compose-photo.ts';
import { GLYPHS } from './glyphs.ts';

/** Numbers of photos and their seed. */
export interface SymbolsOptions {
  readonly train: number;
  readonly test: number;
  readonly seed: number;
}

/** The default options; public data sets of this kind are of similar size. */
export const SYMBOLS: SymbolsOptions = { train: 300, test: 80, seed: 1 };

/** Draws a data set in YOLO's layout: `data.yaml`, `images/` and `labels/` with the splits `train` and `val`. */
export async function drawSymbols(root: string, { train, test, seed }: SymbolsOptions = SYMBOLS): Promise<void> {
  for (const [split, count] of [
    ['train', train],
    ['val', test],
  ] as const) {
    const [images, labels] = [join(root, 'images', split), join(root, 'labels', split)];
    await Promise.all([images, labels].map((folder) => mkdir(folder, { recursive: true })));
    const random = new RandomStream(seed, split);
    for (let number = 1; number <= count; number++) {
      const { width, height, pixels, symbols } = composePhoto(random.detached(String(number)));
      const name = String(number).padStart(4, '0');
      const lines = symbols.map(({ category, box: [x0, y0, x1, y1] }) =>
        [category, (x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height].join(' '),
      );
      await writeFile(join(labels, `${name}.txt`), lines.map((line) => `${line}\n`).join(''));
      await writePicture(join(images, `${name}.jpg`), { data: pixels, width, height, channels: 3 });
    }
  }
  const names = GLYPHS.map(({ name }) => name).join(', ');
  await writeFile(join(root, 'data.yaml'), `train: images/train\nval: images/val\nnames: [${names}]\n`);
}
