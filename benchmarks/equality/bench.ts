import { HOOK_TABLE, HookSet, HookSite } from '@hookline/core';
import {
  adam,
  adamW,
  BatchSource,
  createStepRunner,
  layersModel,
  selectDevice,
  sgd,
  RunnerScope,
  tf,
  type Optimizer,
  type TrainableModel,
} from '@hookline/tfjs';
import { figure, listArgument, type BenchmarkArgs, type BenchmarkResult, type Figure } from '../lib/index.ts';
import { batchOf, lossOf, NETS, type Net } from '../steps/nets.ts';

/** Number of distinct batches, which are used in turn. */
const BATCHES = 8;

const OPTIMIZERS: Readonly<Record<string, (model: TrainableModel) => Optimizer>> = {
  sgd: (model) => sgd(model, { learningRate: 0.01 }),
  momentum: (model) => sgd(model, { learningRate: 1e-3, momentum: 0.9, weightDecay: 1e-4 }),
  nesterov: (model) => sgd(model, { learningRate: 1e-3, momentum: 0.9, nesterov: true }),
  adam: (model) => adam(model, { learningRate: 1e-3 }),
  adamw: (model) => adamW(model, { learningRate: 1e-3, weightDecay: 0.01 }),
};

/**
 * Measures how far captured steps differ from eager ones, for the nets of the benchmark `steps` with every optimizer:
 *
 * - `NET.OPTIMIZER.step`: at each step of an eager training, one captured and one eager step from the same state; the
 *   largest difference of the loss and of any variable after it.
 * - `NET.OPTIMIZER.run`: the losses of a captured and an eager training that start from the same weights. If training is
 *   unstable, a difference in the last bit can grow without bound. For comparison, `NET.OPTIMIZER.ulp` is the difference
 *   of two eager trainings whose initial weights differ in their last bit.
 *
 * Differences are relative to the larger of 1 and the value.
 *
 * Options: `--nets mlp,convnet`, `--optimizers adam`, `--steps 200`.
 */
export default async function equality(args: BenchmarkArgs): Promise<BenchmarkResult> {
  const steps = typeof args['steps'] === 'number' ? args['steps'] : args.quick ? 20 : 200;
  const nets = NETS.filter(({ name }) => listArgument(args['nets'])?.includes(name) ?? true);
  const optimizers = listArgument(args['optimizers']) ?? Object.keys(OPTIMIZERS);
  await selectDevice('auto');
  const figures: Record<string, Figure> = {};
  for (const net of nets) {
    for (const name of optimizers) {
      const measured = await compare(net, name, steps);
      for (const [kind, values] of Object.entries(measured)) {
        figures[`${net.name}.${name}.${kind}`] = figure(values, 'relative');
      }
    }
  }
  return { figures, notes: [`${steps} steps each, on ${BATCHES} batches in turn`] };
}

async function compare(net: Net, optimizer: string, steps: number) {
  const begin = initialWeights(net);
  const moved = begin.map((values) => values.map((value, at) => value * (1 + (at % 2 === 0 ? 1 : -1) * 2 ** -23)));
  const [eager, same, free, disturbed] = await Promise.all([
    startTraining(net, optimizer, begin, 'off'),
    startTraining(net, optimizer, begin, 'required'),
    startTraining(net, optimizer, begin, 'required'),
    startTraining(net, optimizer, moved, 'off'),
  ]);
  const differences: Record<'step' | 'run' | 'ulp', number[]> = { step: [], run: [], ulp: [] };
  for (let iteration = 0; iteration < steps; iteration++) {
    for (const [key, variable] of eager.variables()) same.variables().get(key)?.assign(variable);
    const losses: number[] = [];
    for (const each of [eager, same, free, disturbed]) losses.push(await each.step(iteration));
    const [loss = NaN, ofSame = NaN, ofFree = NaN, ofDisturbed = NaN] = losses;
    const apart = [...eager.variables()].map(([key, variable]) =>
      difference(variable.dataSync(), same.variables().get(key)?.dataSync() ?? []),
    );
    differences.step.push(Math.max(difference([loss], [ofSame]), ...apart));
    differences.run.push(difference([loss], [ofFree]));
    differences.ulp.push(difference([loss], [ofDisturbed]));
  }
  for (const each of [eager, same, free, disturbed]) await each.close();
  tf.disposeVariables();
  return differences;
}

function initialWeights(net: Net): number[][] {
  const values = net
    .build()
    .getWeights()
    .map((each) => [...each.dataSync()]);
  tf.disposeVariables();
  return values;
}

async function startTraining(
  net: Net,
  optimizerName: string,
  begin: readonly (readonly number[])[],
  capture: 'off' | 'required',
) {
  const optimize = OPTIMIZERS[optimizerName];
  if (optimize === undefined) throw new RangeError(`there is no optimizer "${optimizerName}"`);
  const layers = net.build();
  layers.setWeights(layers.getWeights().map(({ shape }, place) => tf.tensor([...(begin[place] ?? [])], shape)));
  const model = layersModel(layers, { loss: (out: tf.Tensor, { y }) => lossOf(net, out, y) });
  const optimizer = optimize(model);
  const runner = createStepRunner({
    model,
    optimizer,
    hooks: new HookSet('engine', HOOK_TABLE, new HookSite()).byName,
    scope: new RunnerScope(),
    source: new BatchSource(
      Array.from({ length: BATCHES }, (_, seed) => batchOf(net, seed + 1)),
      { repeat: true },
    ),
    capture,
  });
  return {
    step: async (iteration: number): Promise<number> => {
      const output = await runner.run({ iteration, startIteration: 0, maxIterations: Infinity });
      return output.losses['total_loss'] as number;
    },
    /** Weights, moving statistics and optimizer state. */
    variables: () => new Map([...model.trainable(), ...model.state(), ...optimizer.slots()]),
    close: async () => runner.close?.(),
  };
}

const difference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce(
    (most, value, at) => Math.max(most, Math.abs(value - (b[at] ?? NaN)) / Math.max(1, Math.abs(value))),
    0,
  );
