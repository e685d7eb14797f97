import { commRef, ConsoleLogger, definePlugin, replace, singleProcess, VERSION } from '@hookline/core';
import { adam, type TfjsRuntimeOptions, type TrainableModel } from '@hookline/tfjs';
import { SimpleTrainer } from '@hookline/trainer';

/** Options of {@link timeSteps}. */
export interface TimedSteps {
  /** A model for timing only; it is disposed afterwards. */
  readonly model: TrainableModel;
  /** Number of images in a batch, their size in pixels, and the number of object slots per image. */
  readonly batchSize: number;
  readonly width: number;
  readonly height: number;
  readonly objects: number;
  readonly capture: TfjsRuntimeOptions['capture'];
  readonly precision: TfjsRuntimeOptions['precision'];
}

/** Number of steps before a captured step reaches its final speed, and number of timed steps. */
const WARM_UP = 7;
const TIMED = 6;

/** Makes a trainer a single process. Only the first rank times steps while the others wait, so that its steps must not communicate. */
const byItself = definePlugin({
  name: '@hookline/detection/by-itself',
  version: VERSION,
  services: () => [replace(commRef, () => singleProcess)],
  setup: () => undefined,
});

/**
 * Trains a throw-away model on synthetic images for a few steps, as the training would.
 *
 * @returns the median duration of a step, in seconds
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

/** A synthetic batch in the form of `DetectionLoader`: grey images with one object each. */
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
