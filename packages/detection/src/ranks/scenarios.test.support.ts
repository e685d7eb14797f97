import { createHash } from 'node:crypto';
import { communicator, describeCause, isHooklineError, type PluginInput, TrainerBase } from '@hookline/core';
import { detector, fcosHead, residualBackbone, retinaHead } from '@hookline/vision';
import { dataParallel } from '@hookline/plugin-data-parallel';
import { gradientAccumulation } from '@hookline/plugin-gradient-accumulation';
import { gradientClipping } from '@hookline/plugin-gradient-clipping';
import { RecordingLogger } from '@hookline/testing';
import {
  adam,
  type DeviceRequest,
  layersModel,
  modelRef,
  modelVariables,
  type Optimizer,
  selectDevice,
  sgd,
  tf,
  type TfjsRuntimeOptions,
  tfjsRuntime,
  type TrainableModel,
} from '@hookline/tfjs';

/** The outcome of a scenario's training. */
export interface Outcome {
  readonly losses: readonly number[];
  /** All variables of the model, concatenated. */
  readonly weights: readonly number[];
  readonly digest: string;
  /** Codes and message of the error; empty if nothing failed. */
  readonly error: string;
}

type HostBatch = Readonly<
  Record<string, { readonly data: Float32Array | Int32Array; readonly shape: readonly number[] }>
>;

interface Scenario {
  readonly model: () => TrainableModel;
  readonly optimizer: (model: TrainableModel) => Optimizer;
  /** Whole batches; each rank takes every so many of the samples. */
  readonly batches: readonly HostBatch[];
  readonly capture: TfjsRuntimeOptions['capture'];
  readonly plugins?: readonly PluginInput[];
  readonly steps?: number;
  readonly device?: DeviceRequest;
  /** Changes the share of a rank. */
  readonly change?: (batch: HostBatch, step: number, rank: number) => HostBatch;
}

/** Deterministic numbers between -1 and 1. */
function numbers(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

const COUNT = 4;

function values(size: number, input: readonly number[], output: number): HostBatch[] {
  return Array.from({ length: COUNT }, (_, seed) => ({
    x: { data: numbers(size * input.reduce((a, b) => a * b, 1), seed + 1), shape: [size, ...input] },
    y: { data: numbers(size * output, seed + 11), shape: [size, output] },
  }));
}

/** Grey images with one or two squares each, so that ranks have different numbers of positives. */
function squares(size: number): HostBatch[] {
  return Array.from({ length: COUNT }, (_, seed) => {
    const images = new Float32Array(size * 32 * 32 * 3).fill(127);
    const boxes = new Float32Array(size * 2 * 4);
    const classes = new Int32Array(size * 2);
    const counts = new Int32Array(size);
    for (let image = 0; image < size; image++) {
      counts[image] = 1 + (image % 2);
      for (let object = 0; object < (counts[image] ?? 0); object++) {
        const number = seed * 7 + image * 3 + object;
        const side = 6 + (number % 3) * 5;
        const [x, y] = [(number * 7) % (32 - side), (number * 11) % (32 - side)];
        classes[image * 2 + object] = number % 2;
        boxes.set([x, y, x + side, y + side], (image * 2 + object) * 4);
        for (let row = y; row < y + side; row++) {
          const at = ((image * 32 + row) * 32 + x) * 3;
          images.fill(number % 2 === 0 ? 20 : 235, at, at + side * 3);
        }
      }
    }
    return {
      images: { data: images, shape: [size, 32, 32, 3] },
      boxes: { data: boxes, shape: [size, 2, 4] },
      classes: { data: classes, shape: [size, 2] },
      counts: { data: counts, shape: [size] },
    };
  });
}

const meanSquares = (out: tf.Tensor, { y }: { readonly y: tf.Tensor }) => tf.losses.meanSquaredError(y, out);

const mlp = () =>
  layersModel(
    tf.sequential({
      layers: [tf.layers.dense({ inputShape: [16], units: 32, activation: 'relu' }), tf.layers.dense({ units: 4 })],
    }),
    { loss: meanSquares },
  );

const convnet = () =>
  layersModel(
    tf.sequential({
      layers: [
        tf.layers.conv2d({ inputShape: [8, 8, 3], filters: 8, kernelSize: 3, useBias: false }),
        tf.layers.batchNormalization(),
        tf.layers.reLU(),
        tf.layers.flatten(),
        tf.layers.dense({ units: 4 }),
      ],
    }),
    { loss: meanSquares },
  );

const small = {
  classNames: ['dark', 'light'],
  backbone: residualBackbone({ widths: [8, 16], blocks: [1, 1], channels: 8 }),
};
const withAdam = (model: TrainableModel) => adam(model, { learningRate: 1e-3 });
const withMomentum = (model: TrainableModel) => sgd(model, { learningRate: 0.02, momentum: 0.9 });
const ofMlp = { model: mlp, optimizer: withAdam, batches: values(32, [16], 4), capture: 'required' } as const;
const ofConvnet = {
  model: convnet,
  optimizer: withMomentum,
  batches: values(16, [8, 8, 3], 4),
  capture: 'required',
} as const;
const synced = [dataParallel({ syncBatchNorm: true })];

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'mlp, captured': ofMlp,
  'mlp, captured, in many buckets': { ...ofMlp, plugins: [dataParallel({ bucketBytes: 100 })] },
  'mlp, eager': { ...ofMlp, capture: 'off' },
  'convnet with SyncBN, captured': { ...ofConvnet, plugins: synced },
  'convnet with SyncBN, eager': { ...ofConvnet, plugins: synced, capture: 'off' },
  'detector, FCOS, captured': {
    model: () => detector({ ...small, head: fcosHead({ convs: 1 }) }),
    optimizer: withMomentum,
    batches: squares(8),
    capture: 'required',
    plugins: synced,
  },
  'detector, RetinaNet, eager': {
    model: () => detector({ ...small, head: retinaHead({ convs: 1, sizes: [8, 14] }) }),
    optimizer: withMomentum,
    batches: squares(8),
    capture: 'off',
    plugins: synced,
    steps: 6,
  },
  'mlp, accumulated and clipped': {
    ...ofMlp,
    plugins: [gradientAccumulation({ steps: 2 }), gradientClipping({ type: 'global-norm', clip: 0.5 }), dataParallel()],
  },
  'mlp on WebAssembly': { ...ofMlp, capture: 'off', device: 'wasm', steps: 8 },
};

/** Scenarios whose ranks need not equal a single process. */
export const UNEQUAL: Readonly<Record<string, Scenario>> = {
  'an uneven batch': {
    ...ofConvnet,
    plugins: synced,
    change: (batch, step, rank) => (step === 5 && rank === 0 ? takeRows(batch, (row) => row < 3) : batch),
  },
  'batch norms of their own': ofConvnet,
  'NaN on one rank': {
    ...ofMlp,
    change: (batch, step, rank) => (step === 5 && rank === 1 ? withNan(batch) : batch),
  },
  'NaN on one rank in an accumulating step': {
    ...ofMlp,
    plugins: [gradientAccumulation({ steps: 2 }), dataParallel()],
    change: (batch, step, rank) => (step === 4 && rank === 1 ? withNan(batch) : batch),
  },
  'a failing loader of one rank': {
    ...ofMlp,
    change: (batch, step, rank) => {
      if (step === 5 && rank === 1) throw new TypeError('no such picture');
      return batch;
    },
  },
  'a failing loader of one rank, eager': {
    ...ofMlp,
    capture: 'off',
    change: (batch, step, rank) => {
      if (step === 5 && rank === 1) throw new TypeError('no such picture');
      return batch;
    },
  },
};

const withNan = ({ x, ...rest }: HostBatch): HostBatch => ({
  ...rest,
  x: { data: (x?.data as Float32Array).map((value, place) => (place === 0 ? NaN : value)), shape: x?.shape ?? [] },
});

function takeRows(batch: HostBatch, isTaken: (row: number) => boolean): HostBatch {
  return Object.fromEntries(
    Object.entries(batch).map(([name, { data, shape }]) => {
      const [rows = 0, ...rest] = shape;
      const size = data.length / rows;
      const taken = Array.from({ length: rows }, (_, row) => row).filter(isTaken);
      const picked = data.slice(0, taken.length * size);
      taken.forEach((row, place) => picked.set(data.subarray(row * size, (row + 1) * size), place * size));
      return [name, { data: picked, shape: [taken.length, ...rest] }];
    }),
  );
}

/** Trains a scenario with this process's share of the batches. */
export async function train(scenario: Scenario): Promise<Outcome> {
  const { model, optimizer, capture, plugins = [dataParallel()], steps = 20, device = 'cpu' } = scenario;
  await selectDevice(device);
  const { rank, size } = communicator();
  function* batches(): Generator<HostBatch> {
    for (let step = 0; step < steps; step++) {
      const whole = scenario.batches[step % COUNT] as HostBatch;
      const own = takeRows(whole, (row) => row % size === rank);
      yield scenario.change?.(own, step, rank) ?? own;
    }
  }
  const runtime = tfjsRuntime({ model, optimizer, data: batches, capture });
  const trainer = new TrainerBase({
    maxIterations: steps,
    seed: 3,
    logger: new RecordingLogger(),
    services: runtime.services,
    plugins: [...runtime.plugins, ...plugins],
  });
  let error = '';
  try {
    await trainer.train();
  } catch (cause) {
    error = [...codesOf(cause), describeCause(cause)].join(' ');
  }
  const all = [...modelVariables(await trainer.service(modelRef))].sort(([a], [b]) => (a < b ? -1 : 1));
  const values = all.map(([, variable]) => variable.dataSync() as Float32Array);
  const hash = createHash('sha256');
  for (const each of values) hash.update(new Uint8Array(each.buffer, each.byteOffset, each.byteLength));
  const losses = trainer.storage
    .history('total_loss')
    .values()
    .map(({ value }) => value);
  await trainer.dispose();
  return { losses, weights: values.flatMap((each) => [...each]), digest: hash.digest('hex'), error };
}

function codesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  return [...(isHooklineError(error) ? [error.code] : []), ...codesOf(error.cause)];
}
