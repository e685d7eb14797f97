import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { HooklineError, RandomStream } from '@hookline/core';
import sharp from 'sharp';
import type { DatasetRecord } from '../records/dataset-record.ts';
import { InferenceSampler, RandomSubsetTrainingSampler } from '@hookline/data';
import type { Augmentation } from '../transforms/augmentation.ts';
import { randomBrightness } from '../transforms/color-augmentations.ts';
import { moduleAugmentation } from '../transforms/module-augmentation.ts';
import { randomAffine, randomFlip } from '../transforms/random-augmentations.ts';
import { resize } from '../transforms/resize-augmentations.ts';
import type { DetectionBatch } from './detection-batch.ts';
import { aspectRatioGroups, DetectionLoader } from './detection-loader.ts';
import type { DetectionLoaderOptions } from './loader-options.ts';

let folder: string;
let records: DatasetRecord[];
const loaders: DetectionLoader[] = [];

beforeAll(async () => {
  folder = temporaryFolder();
  records = await Promise.all(Array.from({ length: 7 }, (_, index) => makeRecord(index)));
});
afterEach(async () => {
  await Promise.all(loaders.splice(0).map((loader) => loader.close()));
});

/** A grey ground with a white rectangle where the box is; wide and high in turn. */
async function makeRecord(index: number): Promise<DatasetRecord> {
  const [width, height] = index % 2 === 0 ? [64, 48] : [48, 64];
  const file = join(folder, `${index}.png`);
  const white = sharp({ create: { width: 16, height: 8, channels: 3, background: 'white' } }).png();
  await sharp({ create: { width, height, channels: 3, background: { r: 20 * index, g: 60, b: 60 } } })
    .composite([{ input: await white.toBuffer(), left: 8, top: 12 }])
    .png()
    .toFile(file);
  const object = { id: index, box: [8, 12, 24, 20], category: index % 3, iscrowd: 0, area: 128 } as const;
  const crowd = { ...object, id: 100 + index, iscrowd: 1 } as const;
  return { file, width, height, imageId: index, annotations: index === 5 ? [crowd] : [object] };
}

function make(options: Partial<DetectionLoaderOptions> = {}): DetectionLoader {
  const loader = new DetectionLoader(records, {
    // Threads are used only where they matter, because they start slowly from the sources.
    ...{ batchSize: 3, size: { width: 32, height: 32 }, workers: 0, random: new RandomStream(1, 'data') },
    ...options,
  });
  loaders.push(loader);
  return loader;
}

async function take(loader: DetectionLoader, count: number): Promise<DetectionBatch[]> {
  const batches: DetectionBatch[] = [];
  for await (const batch of loader) if (batches.push(batch) === count) break;
  return batches;
}

const ids = (batches: DetectionBatch[]) => batches.map(({ samples }) => samples.records.map(({ imageId }) => imageId));
const AUGMENTATIONS = [randomFlip(), randomAffine(), randomBrightness(0.7, 1.3)];
/** The same augmentations as user-defined functions, which no thread can make. */
const OWN = AUGMENTATIONS.map((each) => ({ ...each }));
const contents = (batches: DetectionBatch[]) =>
  batches.map(({ images, boxes, classes, counts, sizes, samples }) => {
    return { images, boxes, classes, counts, sizes, ...{ records: samples.records, transforms: samples.transforms } };
  });

describe('DetectionLoader', () => {
  it('tells the number of batches in an epoch when its sampler is finite', () => {
    const length = (options: Partial<DetectionLoaderOptions>) =>
      new DetectionLoader(records, { batchSize: 2, ...options }).epochLength;
    expect(length({})).toBe(3.5);
    expect(length({ sampler: new RandomSubsetTrainingSampler(7, 0.5) })).toBe(1.5);
    expect(length({ sampler: new InferenceSampler(7) })).toBeUndefined();
  });

  it('places images in proportion at the top left, moves boxes with them, and pads to the most objects', async () => {
    const [batch] = await take(make({ sampler: new InferenceSampler(7), fill: 9 }), 1);
    const { images, boxes, classes, counts, sizes, samples } = batch!;
    expect(images).toMatchObject({ shape: [3, 32, 32, 3], dtype: 'float32' });
    expect([...sizes.data]).toEqual([24, 32, 32, 24, 24, 32]);
    expect(boxes).toEqual({
      data: Float32Array.of(4, 6, 12, 10, 4, 6, 12, 10, 4, 6, 12, 10),
      shape: [3, 1, 4],
      dtype: 'float32',
    });
    expect(classes).toEqual({ data: Int32Array.of(0, 1, 2), shape: [3, 1], dtype: 'int32' });
    expect([...counts.data]).toEqual([1, 1, 1]);
    const pixel = (image: number, x: number, y: number) => images.data[((image * 32 + y) * 32 + x) * 3]!;
    expect([pixel(1, 8, 8), pixel(1, 20, 20), pixel(1, 30, 5), pixel(0, 8, 30)]).toEqual([255, 20, 9, 9]);
    expect([...samples.transforms[1]!.inverse().applyBoxes(boxes.data.slice(4, 8) as never)]).toEqual([8, 12, 24, 20]);
  });

  it('stretches images, or keeps their size', async () => {
    const [stretched] = await take(make({ sampler: new InferenceSampler(7), fit: 'stretch' }), 1);
    expect([...stretched!.boxes.data.subarray(0, 4)]).toEqual([4, 8, 12, Math.fround(40 / 3)]);
    expect(stretched!.images).toMatchObject({ dtype: 'float32', data: expect.any(Uint8Array) });
    const whole = new DetectionLoader(records, {
      batchSize: 2,
      divisor: 40,
      groupByAspect: true,
      sampler: new InferenceSampler(7),
    });
    loaders.push(whole);
    const batches = await take(whole, 9);
    expect(ids(batches)).toEqual([[0, 2], [1, 3], [4, 6], [5]]);
    expect(batches.map(({ images }) => images.shape.slice(1, 3))).toEqual([
      [80, 80],
      [80, 80],
      [80, 80],
      [80, 80],
    ]);
  });

  it('leaves crowds out of the targets', async () => {
    const batches = await take(make({ sampler: new InferenceSampler(7) }), 9);
    expect(ids(batches)).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
    expect(batches.map(({ counts }) => [...counts.data])).toEqual([[1, 1, 1], [1, 1, 0], [1]]);
    expect(batches[1]!.classes.data[2]).toBe(-1);
  });

  it.each([
    ['main', { workers: 0, cache: true }],
    ['threads', { workers: 1 }],
    ['threads', { workers: 2, prefetch: 4, cache: true, dtype: 'float32' }],
    ['main', { workers: 1, cache: true, augmentations: OWN }],
    ['main', { workers: 1, augmentations: [OWN[0]!, AUGMENTATIONS[1]!, OWN[2]!] }],
  ] as const)('gives equal batches whoever makes them: %s %p', async (mappedIn, options) => {
    const dtype = 'dtype' in options ? options.dtype : 'auto';
    const expected = await take(make({ workers: 0, prefetch: 0, augmentations: AUGMENTATIONS, dtype }), 8);
    expect(new Set(ids(expected).flat()).size).toBe(7);
    const loader = make({ augmentations: AUGMENTATIONS, ...options });
    const batches = await take(loader, 8);
    expect(ids(batches)).toEqual(ids(expected));
    expect(contents(batches)).toEqual(contents(expected));
    expect(loader.stats().mappedIn).toBe(mappedIn);
  });

  it('gives other batches for another seed', async () => {
    const [one, other] = [1, 2].map((seed) => make({ random: new RandomStream(seed), augmentations: AUGMENTATIONS }));
    expect(contents(await take(one!, 3))).not.toEqual(contents(await take(other!, 3)));
  });

  it.each([
    { groupByAspect: false, workers: 0 },
    { groupByAspect: true, prefetch: 3, workers: 1 },
  ])('resumes exactly from its state, also with another number of threads: %p', async (more) => {
    const { workers, ...options } = { ...more, augmentations: AUGMENTATIONS };
    const whole = await take(make(options), 9);
    const half = make({ ...options, workers });
    await take(half, 4);
    const state = JSON.parse(JSON.stringify(half.state()));
    const resumed = make({ ...options, augmentations: OWN });
    resumed.restore(state);
    expect(contents(await take(resumed, 5))).toEqual(contents(whole.slice(4)));
    expect(contents(await take(half, 5))).toEqual(contents(whole.slice(4)));
    half.restore(state);
    expect(contents(await take(half, 2))).toEqual(contents(whole.slice(4, 6)));
  });

  it('ends an epoch of a sampler that ends, and begins again', async () => {
    const loader = make({ sampler: new InferenceSampler(7), cache: true });
    const first = await take(loader, 99);
    const second = await take(loader, 99);
    expect(ids(second)).toEqual(ids(first));
    expect(loader.stats()).toMatchObject({ batches: 6, images: 14, decoded: 7, cached: 7, restarts: 0 });
    expect(loader.stats().cacheBytes).toBe(7 * 32 * 24 * 3);
    expect(loader.stats().waited).toBeGreaterThan(0);
    expect(loader.stats().mapped).toBeGreaterThan(0);
  });

  it('reads and counts each file once with a shared cache', async () => {
    const sampler = new InferenceSampler(7);
    for (const augmentations of [AUGMENTATIONS, OWN]) {
      const loader = make({ sampler, cache: true, workers: 1, augmentations });
      await take(loader, 99);
      await take(loader, 99);
      expect(loader.stats()).toMatchObject({ batches: 6, decoded: 7, cached: 7, restarts: 0 });
      expect(loader.stats().cacheBytes).toBe(7 * 32 * 24 * 3);
      expect(loader.stats().mapped).toBeGreaterThan(0);
    }
  });

  it('makes batches in threads while this one is blocked', async () => {
    const counter = join(folder, 'counter.mjs');
    const same = '{ applyImage: (image) => image, applyBoxes: (boxes) => boxes }';
    await writeFile(
      counter,
      `export const counter = (seen) => ({ name: 'counter', decide() {
         Atomics.add(seen, 0, 1);
         Atomics.notify(seen, 0);
         return ${same};
       } });`,
    );
    const seen = new Int32Array(new SharedArrayBuffer(4));
    const augmentations = [randomFlip(), await moduleAugmentation(pathToFileURL(counter), 'counter', seen)];
    const loader = make({ workers: 1, prefetch: 2, augmentations });
    const iterator = loader[Symbol.asyncIterator]();
    const first = await iterator.next();
    // Two batches ahead and the next one: no event of this thread is handled before they are made.
    for (let count = seen[0]!; count < 12; count = seen[0]!) {
      expect(Atomics.wait(seen, 0, count, 30_000)).not.toBe('timed-out');
    }
    expect(loader.stats().mappedIn).toBe('threads');
    expect(() => (first.value as DetectionBatch).samples.transforms).toThrow(/HKL_TRANSFORM_FOREIGN.*workers: 0/);
  });

  it('ends quietly when it is closed while a batch is being made', async () => {
    const loader = make({ workers: 1 });
    const asked = loader[Symbol.asyncIterator]().next();
    await loader.close();
    expect(await asked).toEqual({ done: true, value: undefined });
    expect(loader.state().position).toBe(0);
    expect(await take(loader, 1)).toHaveLength(1);
  });

  it('ends an iteration when the state is restored meanwhile', async () => {
    const loader = make();
    const iterator = loader[Symbol.asyncIterator]();
    await iterator.next();
    loader.restore({ epoch: 0, position: 0, held: [] });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(loader.state().position).toBe(0);
    expect(ids(await take(loader, 1))).toEqual(ids(await take(make(), 1)));
  });

  it('drops boxes of which augmentation leaves too little', async () => {
    const shift = randomAffine({ scale: 0, shift: 0.45 });
    const count = async (minVisible: number) => {
      const batches = await take(make({ augmentations: [shift], minVisible }), 20);
      return batches.reduce((sum, { counts }) => sum + counts.data.reduce((a, b) => a + b), 0);
    };
    const [all, most] = [await count(0), await count(0.9)];
    expect(most).toBeLessThan(all);
    expect(most).toBeGreaterThan(0);
  });

  it.each([0, 1])('names the image in every error, with %i threads', async (workers) => {
    const frame = take(make({ workers, augmentations: [resize({ width: 33, height: 8 })] }), 1);
    await expect(frame).rejects.toThrow(/HKL_BATCH_FRAME.*\d\.png.*33x8/);
    await expect(frame).rejects.toBeInstanceOf(HooklineError);
    const file = join(folder, 'broken.jpg');
    await writeFile(file, 'nothing');
    const broken = new DetectionLoader([{ ...records[0]!, file }], { batchSize: 1, workers });
    loaders.push(broken);
    await expect(take(broken, 1)).rejects.toThrow(/HKL_IMAGE_UNREADABLE.*broken\.jpg/);
  });

  it('names the image and the augmentation that fails', async () => {
    const sick: Augmentation = { name: 'sick', decide: () => undefined as never };
    const failing = take(make({ augmentations: [randomFlip(), sick] }), 1);
    await expect(failing).rejects.toThrow(
      /HKL_AUGMENTATION_FAILED\] \S+\d\.png: augmentation "sick" failed: Cannot read/,
    );
    await expect(failing).rejects.toMatchObject({ cause: expect.any(TypeError) });
    await expect(take(make({ maxBoxes: 0 }), 1)).rejects.toThrow(/HKL_BATCH_BOXES.*\d\.png/);
    const wrong = new DetectionLoader([{ ...records[0]!, width: 65 }], { batchSize: 1, workers: 0 });
    await expect(take(wrong, 1)).rejects.toThrow(/0\.png.*64x48.*65x48/);
  });

  it.each([
    ['a box that is not four numbers', { box: [1, 2, NaN, 4] }, {}, /annotation 4: box \[1, 2, NaN, 4\] is not four/],
    ['a box without area', { box: [5, 5, 5, 9] }, {}, /annotation 4: box \[5, 5, 5, 9\] has no area/],
    ['a box beside the image', { box: [70, 5, 90, 9] }, {}, /annotation 4: box \[70, 5, 90, 9\] lies outside of 64x48/],
    ['no category', { category: -1 }, {}, /annotation 4: category -1 is not a whole number/],
    ['no size', {}, { width: 0 }, /its record says 0x48/],
  ])('refuses a record with %s before the first batch', (_, object, change, message) => {
    const record = { ...records[0]!, ...change, annotations: [{ ...records[4]!.annotations[0]!, ...object }] } as never;
    const make = () => new DetectionLoader([records[1]!, record], { batchSize: 1 });
    expect(make).toThrow(message);
    expect(make).toThrow(/HKL_DATA_RECORD\] \S+0\.png: /);
  });

  it('refuses invalid options', () => {
    expect(() => new DetectionLoader([], { batchSize: 1 })).toThrow(/HKL_DATA_EMPTY/);
    expect(() => make({ batchSize: 0 })).toThrow(/HKL_DATA_OPTION.*batchSize/);
    expect(() => make({ workers: 1.5 })).toThrow(/HKL_DATA_OPTION.*workers/);
  });

  it('gives ranks their rows of each batch, augmented as in the whole batch, and consecutive batches for evaluation', async () => {
    const options = { batchSize: 4, augmentations: AUGMENTATIONS };
    const whole = await take(make(options), 4);
    const pixels = ({ images: { data } }: DetectionBatch, row: number) => [
      ...data.subarray(row * 3072, (row + 1) * 3072),
    ];
    for (const rank of [0, 1]) {
      const loader = make(options);
      loader.shareAmong({ rank, size: 2, of: 'rows' });
      const own = await take(loader, 4);
      expect(ids(own)).toEqual(ids(whole).map((batch) => [batch[rank], batch[rank + 2]]));
      own.forEach((batch, step) =>
        [0, 1].forEach((row) =>
          expect(pixels(batch, row)).toEqual(pixels(whole[step] as DetectionBatch, row * 2 + rank)),
        ),
      );
      expect(loader.state()).toEqual({ epoch: 2, position: 2, held: [] });
    }
    const runs = await Promise.all(
      [0, 1].map(async (rank) => {
        const loader = make({ batchSize: 2, sampler: new InferenceSampler(7) });
        loader.shareAmong({ rank, size: 2, of: 'batches' });
        // Iterates twice, as evaluations do.
        const first = ids(await take(loader, 99));
        expect(ids(await take(loader, 99))).toEqual(first);
        return first;
      }),
    );
    expect(runs).toEqual([
      [
        [0, 1],
        [2, 3],
      ],
      [[4, 5], [6]],
    ]);
    expect(() => make({ batchSize: 3 }).shareAmong({ rank: 0, size: 2, of: 'rows' })).toThrow(/HKL_DATA_SHARE/);
  });
});

it('aspectRatioGroups separates wide images', () => {
  const records = Array.from({ length: 7 }, (_, index) => ({ width: index < 3 ? 20 : 10, height: 15 }));
  expect([...aspectRatioGroups(records)]).toEqual([1, 1, 1, 0, 0, 0, 0]);
});
