import { createInterface } from 'node:readline';
import { HOOK_TABLE, HookSet, HookSite } from '@hookline/core';
import {
  adam,
  BatchSource,
  capturedModel,
  createStepRunner,
  inEvalMode,
  layersModel,
  predictorOf,
  selectDevice,
  sgd,
  RunnerScope,
  tf,
} from '@hookline/tfjs';
import { batchOf, findNet, lossOf, type Net } from './nets.ts';

// One runner in a separate process, because Hookline replaces kernels process-wide, and plain tfjs must not benefit from that.
// Reads lines {net, steps} and answers each with {ms}: milliseconds per step.

/** A net ready for training: `run` trains for some steps, `finish` frees it. */
interface Prepared {
  run(steps: number): unknown;
  finish(): unknown;
}
type Prepare = (net: Net) => Promise<Prepared>;

function repeat(step: () => unknown) {
  return async (steps: number): Promise<void> => {
    for (let i = 0; i < steps; i++) await step();
  };
}

const runner = process.argv[2] ?? '';
await selectDevice('auto');
const prepare = preparerOf(runner);

let current: (Prepared & { name: string }) | undefined;
for await (const line of createInterface({ input: process.stdin })) {
  const { net, steps } = JSON.parse(line) as { net: string; steps: number };
  if (current?.name !== net) {
    await current?.finish();
    current = { name: net, ...(await prepare(findNet(net))) };
    await current.run(3);
  }
  const begin = performance.now();
  await current.run(steps);
  process.stdout.write(`${JSON.stringify({ ms: (performance.now() - begin) / steps })}\n`);
}
await current?.finish();

function preparerOf(kind: string): Prepare {
  if (kind === 'tfjs_eager') return plain;
  if (kind === 'fit') return fit;
  if (kind.startsWith('predict')) return (net) => prediction(net, kind === 'predict_captured');
  return (net) => ours(net, kind.startsWith('captured'), kind.endsWith('bf16'), !kind.endsWith('unchecked'));
}

function tensorsOf(net: Net): { x: tf.Tensor; y: tf.Tensor } {
  const { x, y } = batchOf(net);
  return { x: tf.keep(tf.tensor(x.data, [...x.shape])), y: tf.keep(tf.tensor(y.data, [...y.shape])) };
}

function optimizerOf(net: Net): tf.Optimizer {
  return net.optimizer === 'adam' ? tf.train.adam(1e-3) : tf.train.momentum(0.01, 0.9);
}

async function plain(net: Net) {
  const model = net.build();
  const optimizer = optimizerOf(net);
  const { x, y } = tensorsOf(net);
  const loss = () => lossOf(net, model.apply(x, { training: true }) as tf.Tensor, y);
  const step = () => tf.tidy(() => (optimizer.minimize(loss, true) as tf.Scalar).dataSync()[0]);
  return { run: repeat(step), finish: () => tf.disposeVariables() };
}

async function fit(net: Net) {
  const model = net.build();
  model.compile({ optimizer: optimizerOf(net), loss: (y, out) => lossOf(net, out, y) });
  const { x, y } = tensorsOf(net);
  // One epoch with as many batches as steps, which is the intended use of fit.
  const run = async (steps: number): Promise<void> => {
    const [xs, ys] = [x, y].map((each) => tf.tile(each, [steps, ...each.shape.slice(1).map(() => 1)])) as [
      tf.Tensor,
      tf.Tensor,
    ];
    // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- the enum is not exported
    await model.fit(xs, ys, { batchSize: net.input[0] as number, epochs: 1, shuffle: false, verbose: 0 });
    tf.dispose([xs, ys]);
  };
  return { run, finish: () => tf.disposeVariables() };
}

async function ours(net: Net, isCaptured: boolean, isHalf: boolean, isChecked: boolean) {
  const model = layersModel(net.build(), { loss: (out: tf.Tensor, { y }) => lossOf(net, out, y) });
  const optimizer =
    net.optimizer === 'adam' ? adam(model, { learningRate: 1e-3 }) : sgd(model, { learningRate: 0.01, momentum: 0.9 });
  const made = createStepRunner({
    model,
    optimizer,
    hooks: new HookSet('engine', HOOK_TABLE, new HookSite()).byName,
    scope: new RunnerScope(),
    source: new BatchSource([tensorsOf(net)], { repeat: true }),
    capture: isCaptured ? 'required' : 'off',
    precision: isHalf ? 'bfloat16' : 'float32',
    checkFinite: isChecked ? 'always' : 'off',
  });
  let iteration = 0;
  const step = () => made.run({ iteration: iteration++, startIteration: 0, maxIterations: Infinity });
  // Run past the first steps, which are compared with a new recording.
  for (let i = 0; i < (isCaptured ? 12 : 0); i++) await step();
  return {
    run: repeat(step),
    finish: async () => {
      await made.close?.();
      tf.disposeVariables();
    },
  };
}

/** The forward pass in eval mode, including the download of the result to the host. */
async function prediction(net: Net, isCaptured: boolean) {
  const eager = layersModel(net.build(), { loss: (out: tf.Tensor, { y }) => lossOf(net, out, y) });
  const model = isCaptured ? capturedModel(eager, { capture: 'required' }) : eager;
  const { x, y } = tensorsOf(net);
  const predict = () => tf.tidy(() => (model.predict(x) as tf.Tensor).dataSync()[0]);
  return {
    run: async (steps: number) => inEvalMode(model, () => repeat(predict)(steps)),
    finish: () => {
      predictorOf(model)?.close();
      tf.dispose([x, y]);
      tf.disposeVariables();
    },
  };
}
