import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { ROOT } from './lib/processes.mjs';

// node scripts/readme-picture.mjs: makes the README's picture from the last predictions of `npm start`.
const FOLDER = join(ROOT, 'runs/scenes/predictions');
const TARGET = join(ROOT, 'docs/images/scenes.webp');
/** Share of the width to show: three of the four columns, so that the labels are legible. */
const SHOWN = 3 / 4;
const WIDTH = 1200;

const last = readdirSync(FOLDER).sort().at(-1) ?? '';
const grid = sharp(join(FOLDER, last));
const { width, height } = await grid.metadata();
const { size } = await grid
  .extract({ left: 0, top: 0, width: Math.round(width * SHOWN), height })
  .resize({ width: WIDTH })
  .webp({ quality: 82 })
  .toFile(TARGET);
console.log(`${TARGET}: ${Math.round(size / 1000)} kB, from ${last}`);
