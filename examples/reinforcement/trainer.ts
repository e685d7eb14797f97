import {
  adam,
  alternatingModel,
  defineConfig,
  definePlugin,
  defineTrainer,
  modelRef,
  stepScopeRef,
  tf,
  z,
} from 'hookline';
import { MOVES } from './catch.ts';
import { player } from './player.ts';
import { INPUTS, Replay } from './replay.ts';

export const config = defineConfig({
  output: 'runs/catch',
  solver: { batchSize: 64, maxIterations: 8000, lrSchedule: 'WarmupCosineLR', warmupIterations: 0 },
  checkpoint: { period: 1000, maxToKeep: 2 },
});

/** The discount factor per move. */
const DISCOUNT = 0.95;

/** Maps encoded fields [fields, inputs] to the value of each move [fields, 3]. */
function makeNet(): tf.LayersModel {
  const { dense } = tf.layers;
  return tf.sequential({
    layers: [
      dense({ inputShape: [INPUTS], units: 64, activation: 'relu' }),
      dense({ units: 64, activation: 'relu' }),
      dense({ units: MOVES }),
    ],
  });
}

/** A batch of moves on the device. */
interface MoveBatch {
  readonly before: tf.Tensor2D;
  readonly move: tf.Tensor1D;
  readonly reward: tf.Tensor1D;
  readonly after: tf.Tensor2D;
  readonly isOver: tf.Tensor1D;
}

/** Copies the weights of the part `q` to the part `target` every `period` iterations, inside the step, after the update. */
const copyToTarget = definePlugin({
  name: 'copy-to-target',
  version: '1.0.0',
  options: z.strictObject({ period: z.int().positive().default(100) }),
  requires: { model: modelRef, scope: stepScopeRef },
  setup({ hooks, model, scope }, { period }) {
    let iteration = 0;
    hooks.beforeStep.tap((step) => void ({ iteration } = step));
    // The host decides: a captured step has one graph that copies and one that does not.
    const isDue = scope.value.variant('copy-to-target', () => (iteration + 1) % period === 0);
    const target = model.value.state();
    hooks.afterUpdate.tap((weights) => {
      if (!isDue.value) return;
      for (const [name, weight] of Object.entries(weights))
        target.get(name.replace('q/', 'target/'))?.assign(weight as tf.Tensor);
    });
  },
});

/** Double deep Q-learning (van Hasselt et al., 2016) with a memory of moves and a target network. */
export default defineTrainer({
  config,

  buildModel: () => {
    const [q, target] = [makeNet(), makeNet()];
    target.setWeights(q.getWeights());
    const values = (net: tf.LayersModel, fields: tf.Tensor) => net.apply(fields) as tf.Tensor2D;
    return alternatingModel<MoveBatch>({
      q: {
        model: q,
        losses: ({ before, move, reward, after, isOver }) => {
          const of = (all: tf.Tensor2D, moves: tf.Tensor) => all.mul(tf.oneHot(moves, MOVES)).sum(1);
          const next = of(values(target, after), values(q, after).argMax(1));
          const wanted = reward.add(next.mul(DISCOUNT).mul(tf.sub(1, isOver)));
          return tf.losses.huberLoss(wanted, of(values(q, before), move));
        },
        optimizer: (model) => adam(model, { learningRate: 0.001 }),
      },
      target: { model: target },
    });
  },

  buildTrainLoader: ({ solver }, trainer) => new Replay(20_000, solver.batchSize, trainer.random.stream('replay')),

  plugins: [player(), copyToTarget()],
});
