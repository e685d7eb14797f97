import { commRef, ConsoleLogger, definePlugin, replace, singleProcess, VERSION } from '@hookline/core';
import { adam, type TfjsRuntimeOptions, type TrainableModel } from '@hookline/tfjs';
import { SimpleTrainer } from '@hookline/trainer';

/** What the steps are that are timed. */
export interface TimedSteps {
  /** A model of its own; it is disposed of afterwards. */
  readonly model: TrainableModel;
  /** Images of a batch, their pixels, and objects that a batch has room for in each. */
  readonly batchSize: number;
  readonly width: number;
  readonly height: number;
  readonly objects: number;
  readonly capture: TfjsRuntimeOptions['capture'];
  readonly precision: TfjsRuntimeOptions['precision'];
}

/** Steps until a captured one runs as it will run, and those that are timed. */
const WARM_UP = 7;
const TIMED = 6;

/** The first rank times steps while the others wait for what comes of it, so that it must meet none of them within a step. */
const byItself = definePlugin({
  name: '@hookline/detection/by-itself',
  version: VERSION,
  services: () => [replace(commRef, () => singleProcess)],
  setup: () => undefined,
});

/**
 * Trains a throw-away model on made-up images for some steps, as the training would.
 *
 * @returns the median time of a step, in seconds
 */
export async function timeSteps({ model, batchSize, width, height, objects, ...options }: TimedSteps): Promise<number> {
  const data = { ...madeUp(batchSize, width, height, objects) };
  const times: number[] = [];
  const trainer = new SimpleTrainer({
    ...options,
    maxIterations: WARM_UP + TIMED,
    seed: 0,
    model: () => model,
    optimizer: (made) => adam(made, { learningRate: 1e-6 }),
    data: async function* batches() {
      for (;;) {
        times.push(performance.now());
        yield data;
      }
    },
    plugins: [byItself()],
    handleSignals: false,
    logger: new ConsoleLogger({ level: 'error' }),
  });
  try {
    await trainer.train();
  } finally {
    await trainer.dispose();
  }
  const steps = times.slice(1).map((time, place) => time - (times[place] as number));
  const last = steps.slice(-TIMED).sort((a, b) => a - b);
  return (last[Math.floor(last.length / 2)] as number) / 1000;
}

/** A batch as `DetectionLoader` gives it: grey images with one object each. */
function madeUp(batch: number, width: number, height: number, objects: number) {
  const boxes = new Float32Array(batch * objects * 4);
  for (let image = 0; image < batch; image++) boxes.set([4, 4, width / 2, height / 2], image * objects * 4);
  const pixels = new Uint8Array(batch * height * width * 3).map((_, place) => (place * 37) % 251);
  return {
    images: { data: pixels, shape: [batch, height, width, 3], dtype: 'float32' },
    boxes: { data: boxes, shape: [batch, objects, 4], dtype: 'float32' },
    classes: { data: new Int32Array(batch * objects), shape: [batch, objects], dtype: 'int32' },
    counts: { data: new Int32Array(batch).fill(1), shape: [batch], dtype: 'int32' },
  } as const;
}
