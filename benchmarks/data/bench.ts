import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RandomStream } from '@hookline/core';
import {
  augment,
  decodeFile,
  DetectionLoader,
  randomAffine,
  randomBrightness,
  randomContrast,
  randomFlip,
  readCoco,
  type Augmentation,
  type DatasetRecord,
} from '@hookline/images';
import sharp from 'sharp';
import { alternate, figure, type BenchmarkArgs, type BenchmarkResult } from '../lib/index.ts';
import { has, missing } from '../lib/python.ts';
import { Worker } from '../lib/worker.ts';
import { mainThreadTime } from './main-thread-time.ts';

const BATCH = 16;
/** Number of warm-up batches, in which threads start and V8 compiles hot functions. */
const WARMUP = 6;
const SIZE = { width: 160, height: 128 };
const IMAGES = 128;
const AUGMENTATIONS: readonly Augmentation[] = [
  randomFlip(),
  randomAffine({ scale: 0.35, shift: 0.15 }),
  randomBrightness(0.8, 1.2),
  randomContrast(0.8, 1.2),
];
/** The same augmentations as user-defined functions, which run in the main thread. */
const OWN: readonly Augmentation[] = AUGMENTATIONS.map((each) => ({ ...each }));

/**
 * Images per second of the loader, compared with decoding the images one after the other in the main thread, with the same
 * augmentations. `--coco FILE --images FOLDER` uses a COCO data set instead of images drawn here. `--python PATH` also
 * compares with PyTorch's DataLoader; `--only torch` runs only that comparison.
 */
export default async function data({ quick, ...args }: BenchmarkArgs, folder: string): Promise<BenchmarkResult> {
  const source = typeof args['coco'] === 'string' ? await readDataset(args['coco'], args['images']) : undefined;
  const records = source ?? (await drawImages(folder, quick ? 32 : IMAGES));
  const rounds = quick ? 2 : 7;

  const torch = await compareWithTorch({ records, folder, rounds, args, canCompare: source === undefined });
  if (args['only'] === 'torch') return torch;

  const mainThread = async (): Promise<number> => {
    const random = new RandomStream(1, 'bench');
    const begun = performance.now();
    for (const { file, annotations } of records) {
      const { image } = await decodeFile(file, { size: SIZE });
      const boxes = Float32Array.from(annotations.flatMap(({ box }) => box));
      augment(AUGMENTATIONS, { image, boxes }, random);
    }
    return (records.length * 1000) / (performance.now() - begun);
  };
  const make = (workers: number, cache: boolean, augmentations = AUGMENTATIONS): DetectionLoader =>
    new DetectionLoader(records, { batchSize: BATCH, size: SIZE, augmentations, workers, cache });
  /** Images per second after the warm-up. Each step blocks this thread for `step` milliseconds. */
  const steady = async (loader: DetectionLoader, step = 0): Promise<number> => {
    const batches = Math.ceil((2 * records.length) / BATCH);
    let begun = 0;
    await takeBatches(loader, batches, step, () => (begun = performance.now()));
    return (batches * BATCH * 1000) / (performance.now() - begun);
  };
  const [cached, own] = [make(2, true), make(2, true, OWN)];
  await steady(cached);
  await steady(own);
  const { figures } = await alternate(
    {
      'images.main_thread': mainThread,
      'images.workers_1': () => steady(make(1, false)),
      'images.workers_2': () => steady(make(2, false)),
      'images.cached': () => steady(cached),
      'step_100ms.main_thread': () => steady(make(0, false), 100),
      'step_100ms.workers_2': () => steady(make(2, false), 100),
      'step_100ms.cached': () => steady(cached, 100),
    },
    { rounds, warmup: 1, unit: 'images/s' },
  );
  const main =
    mainThreadTime() === undefined
      ? { figures: {} }
      : await alternate(
          {
            'main.step_100ms.main_thread': () => measureMainThread(make(0, false)),
            'main.step_100ms.workers_1': () => measureMainThread(make(1, false)),
            'main.step_100ms.workers_2': () => measureMainThread(make(2, false)),
            'main.step_100ms.cached': () => measureMainThread(cached),
            'main.step_100ms.cached_own': () => measureMainThread(own),
          },
          { rounds, warmup: 1, unit: 'ms' },
        );
  const augmenting = figure(measureAugmenting(rounds), 'ms');
  const waiting = figure(await measureWaiting(cached, rounds), '%');
  return {
    figures: {
      ...torch.figures,
      ...figures,
      ...main.figures,
      'augment.batch_16': augmenting,
      'waiting.step_100ms': waiting,
    },
    notes: [
      ...(torch.notes ?? []),
      `${records.length} images (${source === undefined ? '640x480 JPEG, drawn here' : String(args['coco'])}) to ${SIZE.width}x${SIZE.height}, batches of ${BATCH}; flip, affine, brightness, contrast`,
      `the loader's figures begin after its first ${WARMUP} batches`,
      'images: main_thread decodes and augments one image after the other; workers_N is the loader with N threads; cached is every epoch but the first with cache: true, with 2 threads',
      'step_100ms: the same with a step between two batches that blocks the main thread for 100 ms; at most 160 images/s',
      'main.step_100ms: milliseconds of the main thread that the loader takes for each batch, beside such steps; main_thread is workers: 0; cached_own has functions of its own as augmentations, which the main thread runs',
      'augment.batch_16: milliseconds for 16 images of 160x128 in the main thread',
      'waiting.step_100ms: share of the time that such steps wait for cached data; goal below 10 %',
    ],
  };
}

/** Measures the images per second of Hookline's and PyTorch's loader in turn, with two workers and the same augmentations. */
async function compareWithTorch({
  records,
  folder,
  rounds,
  args,
  canCompare,
}: {
  readonly records: readonly DatasetRecord[];
  readonly folder: string;
  readonly rounds: number;
  readonly args: Omit<BenchmarkArgs, 'quick'>;
  /** Whether PyTorch reads the same images, which is so only for the images drawn here. */
  readonly canCompare: boolean;
}): Promise<BenchmarkResult> {
  const python =
    typeof args['python'] === 'string' ? args['python'] : (process.env['HOOKLINE_BENCH_PYTHON'] ?? 'python3');
  const [batches, notes] = [Math.max(8, Math.ceil((2 * records.length) / BATCH)), [] as string[]];
  const ours = (size: { readonly width: number; readonly height: number }) => async (): Promise<number> => {
    const loader = new DetectionLoader(records, { batchSize: BATCH, size, augmentations: AUGMENTATIONS, workers: 2 });
    let begun = 0;
    await takeBatches(loader, batches, 0, () => (begun = performance.now()));
    return (batches * BATCH * 1000) / (performance.now() - begun);
  };
  const contestants: Record<string, () => Promise<number>> = {
    'small.hookline': ours(SIZE),
    'full.hookline': ours({ width: 640, height: 480 }),
  };
  const hasTorch = canCompare && has(python, 'torch') && has(python, 'PIL');
  let worker: Worker | undefined;
  if (hasTorch) {
    const running = new Worker(python, [
      fileURLToPath(new URL('torch_worker.py', import.meta.url)),
      folder,
      '2',
      String(BATCH),
    ]);
    worker = running;
    const theirs = (kind: string) => async (): Promise<number> =>
      1000 / (await running.measure(`${kind}:${WARMUP}`, batches));
    contestants['small.torch'] = theirs('small');
    contestants['small.torch_draft'] = theirs('small_draft');
    contestants['full.torch'] = theirs('full');
  } else
    notes.push(
      canCompare
        ? missing(python, has(python, 'torch') ? 'PIL' : 'torch')
        : 'with --coco there is no comparison with PyTorch',
    );
  try {
    const { figures } = await alternate(contestants, { rounds: Math.min(rounds, 5), warmup: 1, unit: 'images/s' });
    const wanted = (label: string): number => figures[label]?.median ?? Number.NaN;
    const ratio = (ours: string, theirs: string): string =>
      `${ours} is ${(wanted(ours) / wanted(theirs)).toFixed(2)} times ${theirs}`;
    if (hasTorch)
      notes.push(
        `${ratio('small.hookline', 'small.torch')}, ${ratio('small.hookline', 'small.torch_draft')}, ${ratio('full.hookline', 'full.torch')}`,
      );
    notes.push(
      "small: to 160x128; full: 640x480; torch is PyTorch's DataLoader with PIL, torch_draft with PIL's draft mode; two workers each, the same augmentations, from the first batches on as images",
    );
    return { figures, notes };
  } finally {
    worker?.close();
  }
}

async function readDataset(json: string, images: unknown): Promise<readonly DatasetRecord[]> {
  const { records } = await readCoco({ json, checkImages: 'none', ...(typeof images === 'string' ? { images } : {}) });
  return records;
}

/** Draws images of noise, which compress as badly as real textures. */
async function drawImages(folder: string, count: number): Promise<DatasetRecord[]> {
  const [width, height] = [640, 480];
  const random = new RandomStream(1, 'images');
  const small = Buffer.from(Array.from({ length: 80 * 60 * 3 }, () => random.int(256)));
  return Promise.all(
    Array.from({ length: count }, async (_, index): Promise<DatasetRecord> => {
      const file = join(folder, `${index}.jpg`);
      const raw = sharp(small, { raw: { width: 80, height: 60, channels: 3 } });
      await raw.resize(width, height).modulate({ hue: index }).jpeg({ quality: 90 }).toFile(file);
      const annotations = Array.from({ length: 12 }, (_, place) => {
        const [x, y] = [random.int(width - 100), random.int(height - 100)];
        return {
          id: index * 12 + place,
          box: [x, y, x + 80, y + 60] as const,
          category: place % 3,
          iscrowd: 0 as const,
          area: 4800,
        };
      });
      return { file, width, height, imageId: index, annotations };
    }),
  );
}

function measureAugmenting(rounds: number): number[] {
  const { width, height } = SIZE;
  const random = new RandomStream(1, 'augment');
  const image = { data: new Uint8Array(width * height * 3).fill(99), width, height, channels: 3 };
  const boxes = Float32Array.of(5, 5, 30, 30);
  return Array.from({ length: rounds + 3 }, () => {
    const begun = performance.now();
    for (let place = 0; place < BATCH; place++) augment(AUGMENTATIONS, { image, boxes }, random);
    return performance.now() - begun;
  }).slice(3);
}

/** Takes batches, blocks this thread for `step` milliseconds after each, and calls `begin` after the warm-up. */
async function takeBatches(loader: DetectionLoader, batches: number, step: number, begin: () => void): Promise<void> {
  let taken = 0;
  for await (const _batch of loader) {
    if (taken++ === WARMUP) begin();
    if (taken > WARMUP + batches) return;
    if (step > 0) block(step);
  }
}

async function measureMainThread(loader: DetectionLoader, batches = 10): Promise<number> {
  let begun = 0;
  await takeBatches(loader, batches, 100, () => (begun = mainThreadTime() ?? 0));
  return ((mainThreadTime() ?? 0) - begun) / batches;
}

async function measureWaiting(loader: DetectionLoader, rounds: number): Promise<number[]> {
  const shares: number[] = [];
  for (let round = 0; round < rounds; round++) {
    let [before, begun] = [0, 0];
    await takeBatches(loader, 10, 100, () => ([before, begun] = [loader.stats().waited, performance.now()]));
    shares.push(((loader.stats().waited - before) * 100_000) / (performance.now() - begun));
  }
  return shares;
}

function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
