import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readVoc, writeCoco, writePicture } from 'hookline';

const [WIDTH, HEIGHT] = [80, 64];

/**
 * Draws images with a dark and a light square each into a folder, with annotations in VOC's format (lists `trainval` and
 * `test`, which has the last four) and in COCO's, `train.json` and `test.json`.
 */
export async function drawSquares(root: string, count = 16): Promise<void> {
  for (const folder of ['Annotations', 'JPEGImages', 'ImageSets/Main'])
    await mkdir(join(root, folder), { recursive: true });
  const names = Array.from({ length: count }, (_, number) => `squares-${String(number).padStart(2, '0')}`);
  for (const [number, name] of names.entries()) {
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
    const file = `${name}.png`;
    const size = `<size><width>${WIDTH}</width><height>${HEIGHT}</height><depth>3</depth></size>`;
    const xml = `<annotation><filename>${file}</filename>${size}${objects.join('')}</annotation>`;
    await writePicture(join(root, 'JPEGImages', file), { data, width: WIDTH, height: HEIGHT, channels: 3 });
    await writeFile(join(root, 'Annotations', `${name}.xml`), xml);
  }
  const lists = { trainval: names.slice(0, -4), test: names.slice(-4) };
  for (const [split, list] of Object.entries(lists)) {
    await writeFile(join(root, 'ImageSets', 'Main', `${split}.txt`), `${list.join('\n')}\n`);
    const json = join(root, split === 'test' ? 'test.json' : 'train.json');
    await writeCoco(json, await readVoc({ root, split }), { images: join(root, 'JPEGImages') });
  }
}
