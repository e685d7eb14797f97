import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DetectionLoader, readCoco, writeCoco, type Fit } from '@hookline/images';
import { InferenceSampler } from '@hookline/data';
import { CocoEvaluator, type DenseOutputs, predictImage } from '@hookline/vision';
import { inferenceOnDataset } from '@hookline/plugin-evaluator';
import { RandomStream } from '@hookline/core';
import { selectDevice, tf } from '@hookline/tfjs';
import sharp, { type Sharp } from 'sharp';
import { imagesOf } from './images-of.ts';

let folder: string;
beforeAll(async () => {
  await selectDevice('auto');
  folder = await mkdtemp(join(tmpdir(), 'hookline-predict-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A box from the pixels: it moves by more than 0.01 px where they are others, or lie elsewhere. */
const looking = {
  name: 'looking',
  training: false,
  inputs: (batch: unknown) => (batch as { images: tf.Tensor4D }).images,
  predict: (images: unknown): DenseOutputs =>
    tf.tidy(() => {
      const light = (images as tf.Tensor4D).cast('float32').mean(3);
      const [, height = 0, width = 0] = light.shape;
      const centre = (axis: number, length: number) => {
        const sums = light.sum(axis);
        return sums.mul(tf.range(0, length)).sum(1).div(sums.sum(1));
      };
      const [x, y] = [centre(1, width), centre(2, height)];
      const boxes = tf.stack([x.sub(9), y.sub(5), x.add(7), y.add(11)], 1).expandDims<tf.Tensor3D>(1);
      return { boxes, scores: tf.fill<tf.Rank.R3>([light.shape[0] ?? 0, 1, 1], 0.9) };
    }),
};

/** Pixels that have a heavy corner, with noise, of one to four channels. */
function raw(width: number, height: number, channels: 1 | 2 | 3 | 4): Sharp {
  const random = new RandomStream(width * 31 + height * 7 + channels, 'pixels');
  const data = Uint8Array.from({ length: width * height * channels }, (_, at) => {
    const [pixel, channel] = [Math.floor(at / channels), at % channels];
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    // Half of it is transparent, with colours below.
    if (channel === channels - 1 && channels % 2 === 0) return x < width / 2 ? 0 : 255;
    return Math.min(255, (200 * x) / width + (y < height / 3 ? 40 : 0) + random.int(16));
  });
  return sharp(data, { raw: { width, height, channels } });
}

const exif = (orientation: number) => raw(96, 60, 3).jpeg().withMetadata({ orientation });
const files: Record<string, Sharp> = {
  'png.png': raw(64, 64, 3).png(),
  'jpeg.jpg': raw(200, 120, 3).jpeg(),
  'large.jpg': raw(1200, 900, 3).jpeg(),
  'wide.png': raw(150, 50, 3).png(),
  'wide.jpg': raw(300, 100, 3).jpeg(),
  'high.png': raw(50, 150, 3).png(),
  'rgba.png': raw(80, 60, 4).png(),
  'grey.png': raw(80, 60, 1).toColourspace('b-w').png(),
  'grey-alpha.png': raw(80, 60, 2).png(),
  'sixteen.png': raw(80, 60, 3).toColourspace('rgb16').png(),
  'webp.webp': raw(80, 60, 3).webp(),
  'palette.png': raw(80, 60, 4).png({ palette: true, colours: 32 }),
  'cmyk.jpg': raw(80, 60, 3).toColourspace('cmyk').jpeg(),
  'avif.avif': raw(80, 60, 3).avif(),
  'tiff.tif': raw(80, 60, 4).tiff(),
};
for (let orientation = 1; orientation <= 8; orientation++) files[`exif-${orientation}.jpg`] = exif(orientation);

/** From a box on the pixels as stored to one on the image as it is looked at, corner by corner. */
function turned([x0, y0, x1, y1]: number[], orientation: number, width: number, height: number): number[] {
  const move = (x: number, y: number): [number, number] => {
    const flipped = [2, 3, 7, 8].includes(orientation) ? width - x : x;
    const upended = [3, 4, 6, 7].includes(orientation) ? height - y : y;
    return orientation >= 5 ? [upended, flipped] : [flipped, upended];
  };
  const [a, b] = [move(x0 as number, y0 as number), move(x1 as number, y1 as number)];
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];
}

/** The box that an evaluation sees in each image, in pixels of its record. */
async function evaluated(records: Awaited<ReturnType<typeof readCoco>>, fit: Fit): Promise<Map<number, number[]>> {
  const size = { width: 64, height: 48 };
  const loader = new DetectionLoader(records.records, {
    ...{ batchSize: 4, size, fit, workers: 0 },
    sampler: new InferenceSampler(records.records.length),
  });
  const evaluator = new CocoEvaluator({ truth: records, images: imagesOf({ ...size, fit }) });
  await inferenceOnDataset(looking, loader, evaluator);
  await loader.close();
  return new Map(evaluator.detections.map(({ image_id, bbox: [x, y, w, h] }) => [image_id, [x, y, x + w, y + h]]));
}

async function dataset(names: readonly string[], sizeOf: (name: string) => Promise<[number, number]>) {
  const records = await Promise.all(
    names.map(async (name, imageId) => {
      await (files[name] as Sharp).toFile(join(folder, name));
      const [width, height] = await sizeOf(name);
      const annotations = [{ id: imageId + 1, box: [1, 1, 9, 9] as const, category: 0, iscrowd: 0 as const, area: 64 }];
      return { file: join(folder, name), width, height, imageId, annotations };
    }),
  );
  const json = join(folder, 'data.json');
  const metadata = { classes: ['thing'], categoryIds: [1], evaluator: 'coco' as const, source: folder };
  await writeCoco(json, { records, metadata }, { images: folder });
  return readCoco({ json, images: folder });
}

describe.each<Fit>(['inside', 'stretch'])('a prediction sees what an evaluation sees: %s', (fit) => {
  const options = { size: { width: 64, height: 48 }, fit };

  it('in files of every kind, annotated as they are looked at', async () => {
    const names = Object.keys(files);
    const read = await dataset(names, async (name) => {
      const { autoOrient } = await sharp(join(folder, name)).metadata();
      return [autoOrient.width, autoOrient.height];
    });
    const wanted = await evaluated(read, fit);
    for (const { file, imageId, width, height } of read.records) {
      const found = await predictImage(looking, file, options);
      expect([file, found.width, found.height]).toEqual([file, width, height]);
      const box = wanted.get(imageId as number) as number[];
      found.detections.boxes.forEach((edge, at) => expect(Math.abs(edge - (box[at] as number))).toBeLessThan(0.01));
    }
    expect(wanted.size).toBe(names.length);
  });

  it('in photos that were annotated on their pixels as stored', async () => {
    // A half turn does not show in the size, so that these four alone can be told.
    const names = [5, 6, 7, 8].map((orientation) => `exif-${orientation}.jpg`);
    const read = await dataset(names, () => Promise.resolve([96, 60]));
    expect(read.records.map(({ orient }) => orient)).toEqual([false, false, false, false]);
    const wanted = await evaluated(read, fit);
    for (const [place, { file, imageId }] of read.records.entries()) {
      const found = await predictImage(looking, file, { ...options, orient: false });
      expect([found.width, found.height]).toEqual([60, 96]);
      const box = turned(wanted.get(imageId as number) as number[], place + 5, 96, 60);
      found.detections.boxes.forEach((edge, at) => expect(Math.abs(edge - (box[at] as number))).toBeLessThan(0.01));
    }
  });
});
