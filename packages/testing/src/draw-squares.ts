import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readVoc, writeCoco } from '@hookline/images';
import sharp from 'sharp';

const [WIDTH, HEIGHT] = [80, 64];
/** Number of images in the list `test`. */
const TEST = 4;

/**
 * Draws a detection data set into a folder: images of 80x64 pixels with a dark and a light square each, with
 * annotations in Pascal VOC's format (lists `trainval` and `test`, which has the last four) and in COCO's, `train.json`
 * and `test.json`, whose images are in `JPEGImages`.
 *
 * @param count number of images, more than four
 */
export async function drawSquares(root: string, count = 16): Promise<void> {
  for (const folder of ['Annotations', 'JPEGImages', 'ImageSets/Main'])
    await mkdir(join(root, folder), { recursive: true });
  const names = Array.from({ length: count }, (_, number) => `squares-${String(number).padStart(2, '0')}`);
  for (const [number, name] of names.entries()) await drawImage(root, name, number);
  const lists = { trainval: names.slice(0, -TEST), test: names.slice(-TEST) };
  for (const [split, list] of Object.entries(lists)) {
    await writeFile(join(root, 'ImageSets', 'Main', `${split}.txt`), `${list.join('\n')}\n`);
    const json = join(root, split === 'test' ? 'test.json' : 'train.json');
    await writeCoco(json, await readVoc({ root, split }), { images: join(root, 'JPEGImages') });
  }
}

async function drawImage(root: string, name: string, number: number): Promise<void> {
  const data = new Uint8Array(WIDTH * HEIGHT * 3).fill(127);
  const objects = ['dark', 'light'].map((label, place) => {
    const side = 14 + (number % 4) * 2;
    const [x, y] = [place * 40 + ((number * 7) % (40 - side)), (number * 11 + place * 5) % (HEIGHT - side)];
    for (let row = y; row < y + side; row++) {
      data.fill(place === 0 ? 20 : 235, (row * WIDTH + x) * 3, (row * WIDTH + x + side) * 3);
    }
    const corners = `<xmin>${x + 1}</xmin><ymin>${y + 1}</ymin><xmax>${x + side}</xmax><ymax>${y + side}</ymax>`;
    return `<object><name>${label}</name><difficult>0</difficult><bndbox>${corners}</bndbox></object>`;
  });
  const size = `<size><width>${WIDTH}</width><height>${HEIGHT}</height><depth>3</depth></size>`;
  const xml = `<annotation><filename>${name}.png</filename>${size}${objects.join('')}</annotation>`;
  const raw = { width: WIDTH, height: HEIGHT, channels: 3 } as const;
  await sharp(data, { raw })
    .png()
    .toFile(join(root, 'JPEGImages', `${name}.png`));
  await writeFile(join(root, 'Annotations', `${name}.xml`), xml);
}
