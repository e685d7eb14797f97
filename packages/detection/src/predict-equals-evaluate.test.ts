import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DetectionLoader, type Fit, readCoco, readPicture, writeCoco } from '@hookline/images';
import { InferenceSampler } from '@hookline/data';
import { type LoadedDetector, loadDetector, type TfRuntime } from '@hookline/inference';
import { CocoEvaluator, type DenseOutputs, type DetectionTensors, predictImage, predictViews } from '@hookline/vision';
import { inferenceOnDataset } from '@hookline/plugin-evaluator';
import { eachBatch, selectDevice, tf } from '@hookline/tfjs';
import sharp, { type Sharp } from 'sharp';
import { imagesOf } from './images-of.ts';

const SIZE = { width: 64, height: 48 };
let folder: string;
beforeAll(async () => {
  await selectDevice('auto');
  folder = temporaryFolder();
});

/** Hashes of the inputs that a network was given since they were last taken, image by image. */
const inputs: string[] = [];
const takeInputs = (): string[] => inputs.splice(0);

/** A network whose one box depends on every pixel of its input, and lies at its centre of light. */
const looking = {
  name: 'looking',
  training: false,
  inputs: (batch: unknown) => (batch as { images: tf.Tensor4D }).images,
  predict: (images: unknown): DenseOutputs => {
    const { shape } = images as tf.Tensor4D;
    const [batch, height, width] = shape;
    const pixels = (images as tf.Tensor4D).dataSync();
    // On the host, since the sums of a device may depend on the size of the batch.
    const boxes = Array.from({ length: batch }, (_, row) => {
      const values = Float32Array.from(pixels.subarray(row * height * width * 3, (row + 1) * height * width * 3));
      inputs.push(createHash('sha256').update(values).digest('hex'));
      let [light, x, y] = [0, 0, 0];
      values.forEach((value, at) => {
        const pixel = Math.floor(at / 3);
        light += value;
        x += value * (pixel % width);
        y += value * Math.floor(pixel / width);
      });
      return [x / light - 9, y / light - 5, x / light + 7, y / light + 11];
    });
    return { boxes: tf.tensor3d(boxes.flat(), [batch, 1, 4]), scores: tf.fill([batch, 1, 1], 0.9) };
  },
};

/** Pixels that have a heavy corner, with noise, of one to four channels. */
function raw(width: number, height: number, channels: 1 | 2 | 3 | 4): Sharp {
  const data = Uint8Array.from({ length: width * height * channels }, (_, at) => {
    const [pixel, channel] = [Math.floor(at / channels), at % channels];
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    // Half of it is transparent, with hidden colours.
    if (channel === channels - 1 && channels % 2 === 0) return x < width / 2 ? 0 : 255;
    return Math.min(255, (200 * x) / width + (y < height / 3 ? 40 : 0) + (Math.imul(at, 0x9e3779b1) >>> 28));
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

/** Maps a box on the pixels as stored to one on the upright image, corner by corner. */
function turned([x0, y0, x1, y1]: number[], orientation: number, width: number, height: number): number[] {
  const move = (x: number, y: number): [number, number] => {
    const flipped = [2, 3, 7, 8].includes(orientation) ? width - x : x;
    const upended = [3, 4, 6, 7].includes(orientation) ? height - y : y;
    return orientation >= 5 ? [upended, flipped] : [flipped, upended];
  };
  const [a, b] = [move(x0 as number, y0 as number), move(x1 as number, y1 as number)];
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];
}

/** The box that an evaluation finds in each image, in pixels of its record, and the inputs of the network in the order of the records. */
async function evaluated(
  read: Awaited<ReturnType<typeof readCoco>>,
  fit: Fit,
): Promise<{ readonly boxes: Map<number, number[]>; readonly seen: string[] }> {
  const loader = new DetectionLoader(read.records, {
    ...{ batchSize: 4, size: SIZE, fit, workers: 0 },
    sampler: new InferenceSampler(read.records.length),
  });
  const evaluator = new CocoEvaluator({ truth: read, images: imagesOf({ ...SIZE, fit }) });
  takeInputs();
  await inferenceOnDataset(looking, loader, evaluator);
  const seen = takeInputs();
  // Test-time augmentation looks at the same batches; its first view is the image as it is.
  await eachBatch(loader, async (batch) => {
    await predictViews(looking, (batch as DetectionTensors).images, { flips: ['none'], scales: [1] });
    return true;
  });
  expect(takeInputs()).toEqual(seen);
  await loader.close();
  const boxes = evaluator.detections.map(({ image_id, bbox: [x, y, w, h] }): [number, number[]] => [
    image_id,
    [x, y, x + w, y + h],
  ]);
  return { boxes: new Map(boxes), seen };
}

/** An exported model in the hands of `@hookline/inference`, which runs the same network. */
async function exported(fit: Fit): Promise<LoadedDetector> {
  const facts = {
    ...{ format: 'graph-model', model: 'looking', files: [], task: 'detection', classNames: ['thing'] },
    inputs: [{ name: 'images', shape: [null, SIZE.height, SIZE.width, 3], dtype: 'float32' }],
    outputs: ['boxes', 'scores'].map((name) => ({ name, shape: [], dtype: 'float32' })),
    preparation: { ...SIZE, fit, fill: 114 },
  };
  const execute = ({ images }: { images: unknown }) => {
    const { boxes, scores } = looking.predict(images);
    return [boxes, scores];
  };
  const runtime = { loadGraphModel: () => Promise.resolve({ execute, dispose: () => undefined }), tensor: tf.tensor };
  const { fetch } = globalThis;
  globalThis.fetch = () => Promise.resolve(new Response(JSON.stringify(facts)));
  try {
    return await loadDetector('http://localhost/model/', { tf: runtime as unknown as TfRuntime });
  } finally {
    globalThis.fetch = fetch;
  }
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

/** Formats that are shrunk while decoded, or turned or rounded last, so that decoded pixels differ: see `prepareImage`. */
const DECODED_OTHERWISE = /^(jpeg|large|wide)\.jpg|^webp|^sixteen|^exif-[5-8]/;

describe.each<Fit>(['inside', 'stretch'])('every way to a network gives it the same input: %s', (fit) => {
  const options = { size: SIZE, fit };

  it('in files of every kind, annotated upright', async () => {
    const names = Object.keys(files);
    const read = await dataset(names, async (name) => {
      const { autoOrient } = await sharp(join(folder, name)).metadata();
      return [autoOrient.width, autoOrient.height];
    });
    const { boxes, seen } = await evaluated(read, fit);
    const model = await exported(fit);
    for (const [place, { file, imageId, width, height }] of read.records.entries()) {
      const name = names[place] as string;
      const box = boxes.get(imageId as number);
      const pixels = await readPicture(file);
      const ways = [file, await readFile(file), ...(DECODED_OTHERWISE.test(name) ? [] : [pixels])];
      for (const way of ways) {
        const found = await predictImage(looking, way, options);
        expect([name, found.width, found.height]).toEqual([name, width, height]);
        expect([name, ...found.detections.boxes]).toEqual([name, ...(box ?? [])]);
      }
      const { detections } = await model.detect(pixels, { score: 0 });
      const inputsOfWays = takeInputs();
      if (DECODED_OTHERWISE.test(name)) {
        // The package for exported models treats pixels as `predictImage` does.
        const inMemory = await predictImage(looking, pixels, options);
        expect(inputsOfWays.pop()).toEqual(takeInputs()[0]);
        expect(detections[0]?.box).toEqual([...inMemory.detections.boxes]);
      } else expect(detections[0]?.box).toEqual(box);
      expect([name, ...new Set(inputsOfWays)]).toEqual([name, seen[place]]);
    }
    expect(boxes.size).toBe(names.length);
  });

  it('in photos that were annotated on their pixels as stored', async () => {
    // A half turn does not change the size, so only these four can be distinguished.
    const names = [5, 6, 7, 8].map((orientation) => `exif-${orientation}.jpg`);
    const read = await dataset(names, () => Promise.resolve([96, 60]));
    expect(read.records.map(({ orient }) => orient)).toEqual([false, false, false, false]);
    const { boxes, seen } = await evaluated(read, fit);
    for (const [place, { file, imageId }] of read.records.entries()) {
      const found = await predictImage(looking, file, { ...options, orient: false });
      expect(takeInputs()).toEqual([seen[place]]);
      expect([found.width, found.height]).toEqual([60, 96]);
      const box = turned(boxes.get(imageId as number) as number[], place + 5, 96, 60);
      found.detections.boxes.forEach((edge, at) => expect(edge).toBeCloseTo(box[at] as number, 4));
    }
  });
});
