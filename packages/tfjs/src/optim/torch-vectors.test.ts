import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { functionModel } from '../model/function-model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { RunnerScope } from '../scope/runner-scope.ts';
import { adagrad } from './adagrad.ts';
import { adam, adamW } from './adam.ts';
import { lamb } from './lamb.ts';
import { lion } from './lion.ts';
import type { Optimizer } from '../parameters/optimizer.ts';
import { rmsprop } from './rmsprop.ts';
import { sgd } from './sgd.ts';

type Numbers = Record<'w' | 'b', number[]>;
interface Vectors {
  readonly start: Numbers;
  readonly gradients: readonly Numbers[];
  readonly cases: readonly {
    readonly optimizer: string;
    readonly options: { readonly learningRate: number };
    readonly after: Readonly<Record<string, Numbers>>;
  }[];
}

// The script beside this file writes the vectors.
const vectors = JSON.parse(
  readFileSync(join(import.meta.dirname, 'torch-vectors.test.fixture.json'), 'utf8'),
) as Vectors;
const SHAPES = { w: [3, 2], b: [4] } as const;
const MAKERS: Readonly<Record<string, (model: TrainableModel, options: { learningRate: number }) => Optimizer>> = {
  ...{ sgd, adam, adamW, rmsprop, adagrad, lion, lamb },
};

beforeAll(() => selectDevice('auto'));
afterEach(() => tf.disposeVariables());

it.each(vectors.cases)(
  '$optimizer $options gives the weights of PyTorch after 1, 2, 10 and 50 steps',
  ({ optimizer, options, after }) => {
    const names = ['w', 'b'] as const;
    const variables = Object.fromEntries(names.map((name) => [name, tf.variable(tf.tensor(vectors.start[name], [...SHAPES[name]]))])); // prettier-ignore
    const model = functionModel({ variables, losses: () => tf.scalar(0) });
    const made = MAKERS[optimizer]!(model, options);
    const scope = new RunnerScope();
    for (const input of made.inputs) scope.adopt(input);
    let compared = 0;
    for (const [i, gradient] of vectors.gradients.entries()) {
      scope.run(i, () => {
        tf.tidy(() => {
          const given = Object.fromEntries(names.map((name) => [name, tf.tensor(gradient[name], [...SHAPES[name]])]));
          made.apply(given, model.trainable());
        });
      });
      const wanted = after[String(i + 1)];
      if (wanted === undefined) continue;
      for (const name of names) {
        const found = [...variables[name]!.dataSync()];
        const distance = Math.max(...found.map((value, k) => Math.abs(value - wanted[name][k]!)));
        expect({ step: i + 1, name, isNear: distance < 1e-6, distance }).toMatchObject({ isNear: true });
        compared += found.length;
      }
    }
    expect(compared).toBe(40);
  },
);
