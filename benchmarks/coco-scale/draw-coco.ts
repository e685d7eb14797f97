import { once } from 'node:events';
import { createWriteStream, linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RandomStream } from '@hookline/core';
import sharp from 'sharp';

/** Number of distinct pictures. All images are hard links to them; a file system allows about 65,000 links to one file. */
const PICTURES = 4;
const [WIDTH, HEIGHT] = [640, 480];
const CATEGORIES = 80;
/** Share of crowd annotations in COCO train2017. */
const CROWDS = 0.0116;

/**
 * Writes a data set in COCO's layout: `train2017/`, `val2017/`, and `instances_train2017.json` and `instances_val2017.json`
 * in `annotations/`. On average, the outlines have as many numbers as those of COCO.
 *
 * @param images number of images in the training set; the test set has a hundredth of it
 * @param objects number of objects in the training set
 */
export async function drawCoco(root: string, images: number, objects: number): Promise<void> {
  mkdirSync(join(root, 'annotations'), { recursive: true });
  const random = new RandomStream(1, 'coco-scale');
  const bases: string[] = [];
  for (let index = 0; index < PICTURES; index++) {
    const colours = Buffer.from(Array.from({ length: 80 * 60 * 3 }, () => random.int(256)));
    const base = join(root, `base${index}.jpg`);
    const picture = sharp(colours, { raw: { width: 80, height: 60, channels: 3 } }).resize(WIDTH, HEIGHT);
    writeFileSync(base, await picture.jpeg({ quality: 90 }).toBuffer());
    bases.push(base);
  }
  await drawSplit(root, 'train2017', { images, objects, first: 1, bases, random });
  const share = (count: number): number => Math.max(1, Math.round(count / 100));
  await drawSplit(root, 'val2017', {
    images: share(images),
    objects: share(objects),
    first: images + 1,
    bases,
    random,
  });
}

interface Split {
  readonly images: number;
  readonly objects: number;
  /** ID of the first image. */
  readonly first: number;
  readonly bases: readonly string[];
  readonly random: RandomStream;
}

async function drawSplit(root: string, name: string, { images, objects, first, bases, random }: Split): Promise<void> {
  mkdirSync(join(root, name));
  const out = createWriteStream(join(root, 'annotations', `instances_${name}.json`));
  const write = async (text: string): Promise<void> => {
    if (!out.write(text)) await once(out, 'drain');
  };
  await write('{"info": {"description": "drawn"}, "licenses": [], "images": [');
  for (let index = 0; index < images; index++) {
    const id = first + index;
    const file = `${String(id).padStart(12, '0')}.jpg`;
    linkSync(bases[index % bases.length] as string, join(root, name, file));
    const image = {
      license: 1 + random.int(8),
      file_name: file,
      coco_url: `http://images.example.org/${name}/${file}`,
      height: HEIGHT,
      width: WIDTH,
      date_captured: '2013-11-14 11:18:45',
      flickr_url: `http://pictures.example.org/8186/${1e9 + random.int(1e9)}_cbe4d1d9e0_z.jpg`,
      id,
    };
    await write((index === 0 ? '' : ',') + JSON.stringify(image));
  }
  await write('], "annotations": [');
  const outlines = Array.from({ length: 1000 }, () => outline(random));
  for (let index = 0; index < objects; index++) {
    const [x, y] = [round(between(random, 0, 500)), round(between(random, 0, 400))];
    const [width, height] = [round(between(random, 8, WIDTH - 1 - x)), round(between(random, 8, HEIGHT - 1 - y))];
    const isCrowd = random.float() < CROWDS;
    const counts = Array.from({ length: 400 }, () => 1 + random.int(900));
    const segmentation = isCrowd
      ? JSON.stringify({ counts, size: [HEIGHT, WIDTH] })
      : `[${outlines[random.int(outlines.length)] as string}]`;
    await write(
      `${index === 0 ? '' : ','}{"segmentation": ${segmentation},"area": ${width * height * 0.6},"iscrowd": ${isCrowd ? 1 : 0},` +
        `"image_id": ${first + random.int(images)},"bbox": [${x},${y},${width},${height}],` +
        `"category_id": ${1 + random.int(CATEGORIES)},"id": ${index + 1}}`,
    );
  }
  const categories = Array.from({ length: CATEGORIES }, (_, index) => ({ id: index + 1, name: `class ${index + 1}` }));
  out.end(`], "categories": ${JSON.stringify(categories)}}`);
  await once(out, 'close');
}

const between = (random: RandomStream, low: number, high: number): number => low + (high - low) * random.float();
const round = (value: number): number => Math.round(value * 100) / 100;

/** A polygon with 3 to 60 corners, 26 on average, so that an object has 0.5 kB of JSON as in COCO. */
function outline(random: RandomStream): string {
  const corners = 3 + Math.floor(57 * random.float() * random.float() * 1.6);
  const numbers = Array.from({ length: corners * 2 }, (_, place) =>
    round(between(random, 0, place % 2 === 0 ? WIDTH : HEIGHT)),
  );
  return `[${numbers.join(',')}]`;
}
