import { adam, functionModel, layersModel, tf, type TrainableModel } from '@hookline/tfjs';
import { integers, numbers, seeded, weight, type Batch, type Family } from './family.ts';

const ROWS = 16;
const ACTIONS = 4;
const { layers } = tf;
const slowAdam = (model: TrainableModel) => adam(model, { learningRate: 1e-3 });

const experience = (seed: number) => ({
  state: numbers([ROWS, 6], seed),
  next: numbers([ROWS, 6], seed + 1),
  action: integers([ROWS], ACTIONS, seed + 2),
  reward: numbers([ROWS], seed + 3),
});

/** The value of each row's action, gathered by its index in the flattened table. */
function taken(values: tf.Tensor, action: tf.Tensor): tf.Tensor {
  const places = tf.range(0, ROWS, 1, 'int32').mul(tf.scalar(ACTIONS, 'int32')).add(action);
  return tf.gather(values.flatten(), places as tf.Tensor1D);
}

const dqn: Family = {
  name: 'dqn',
  batch: experience,
  build: () => {
    const make = (seed: number) => ({
      w1: weight([6, 24], seed) as tf.Variable<tf.Rank.R2>,
      b1: tf.variable(tf.zeros([24])),
      w2: weight([24, ACTIONS], seed + 1) as tf.Variable<tf.Rank.R2>,
    });
    const [online, target] = [make(1), make(3)];
    const values = (state: tf.Tensor, { w1, b1, w2 }: ReturnType<typeof make>): tf.Tensor =>
      (state as tf.Tensor2D).matMul(w1).add(b1).relu().matMul(w2);
    const model = functionModel<Batch>({
      variables: online,
      losses: ({ state, next, action, reward }) => {
        const best = values(next as tf.Tensor, target).max(1);
        const wanted = (reward as tf.Tensor).add(best.mul(0.9));
        const error = taken(values(state as tf.Tensor, online), action as tf.Tensor).sub(wanted);
        return error.square().mean().asScalar();
      },
    });
    return [{ model, optimizer: slowAdam }];
  },
};

const policyGradient: Family = {
  name: 'policy_gradient',
  batch: experience,
  build: () => {
    const net = seeded(
      tf.sequential({
        layers: [layers.dense({ inputShape: [6], units: 16, activation: 'elu' }), layers.dense({ units: ACTIONS })],
      }),
    );
    const model = layersModel<Batch>(net, {
      inputs: ({ state }) => state as tf.Tensor,
      loss: (logits, { action, reward }) =>
        taken(logits.logSoftmax(), action as tf.Tensor)
          .mul(reward as tf.Tensor)
          .mean()
          .neg()
          .asScalar(),
    });
    return [{ model, optimizer: slowAdam }];
  },
};

const actorCritic: Family = {
  name: 'actor_critic',
  batch: experience,
  build: () => {
    const input = tf.input({ shape: [6] });
    const trunk = layers.dense({ units: 16, activation: 'relu' }).apply(input) as tf.SymbolicTensor;
    const outputs = [ACTIONS, 1].map((units) => layers.dense({ units }).apply(trunk) as tf.SymbolicTensor);
    const net = seeded(tf.model({ inputs: input, outputs }));
    const model = layersModel<Batch, tf.Tensor[]>(net, {
      inputs: ({ state }) => state as tf.Tensor,
      loss: ([logits, value], { action, reward }) => {
        const advantage = (reward as tf.Tensor).sub((value as tf.Tensor).flatten());
        const scores = (logits as tf.Tensor).logSoftmax();
        // Stop the gradient: the critic's value is a constant for the actor.
        const fixed = tf.customGrad((x) => {
          const given = x as tf.Tensor;
          return { value: given.clone(), gradFunc: (slope) => tf.zerosLike(slope as tf.Tensor) };
        })(advantage);
        return {
          actor: taken(scores, action as tf.Tensor)
            .mul(fixed)
            .mean()
            .neg()
            .asScalar(),
          critic: advantage.square().mean().mul(0.5).asScalar(),
          entropy: scores.exp().mul(scores).sum(1).mean().mul(0.01).asScalar(),
        };
      },
    });
    return [{ model, optimizer: slowAdam }];
  },
};

export const DECISION_FAMILIES: readonly Family[] = [dqn, policyGradient, actorCritic];
