import { assertKnownOptions, HooklineError, type OptionNames } from '@hookline/core';
import tf from '#tfjs';
import type { BatchNorm } from './batch-norm.ts';
import type { WeightTable } from './weight-table.ts';
import type { StepScope } from '../scope/step-scope.ts';
import { kindByName, type ParameterKind } from '../parameters/parameter-kind.ts';
import type { ModelLosses, TrainableModel } from './trainable-model.ts';

/** Options of {@link functionModel}. */
export interface FunctionModelOptions<Batch = never> {
  /** Variables by name. Those with `trainable: false` are state. */
  readonly variables: Readonly<Record<string, tf.Variable>>;
  /**
   * The losses of a batch on the device. `training` is false in eval mode. `scope` is defined only inside a train step:
   * it provides random tensors (`scope.random(name)`), and `scope.metric(name, value)` stores a scalar of the step,
   * such as an accuracy.
   */
  readonly losses: (batch: Batch, training: boolean, scope?: StepScope) => ModelLosses;
  /** The outputs for inputs on the device. */
  readonly predict?: (inputs: never, training: boolean) => unknown;
  /** The kinds of variables, where the name does not tell. */
  readonly kinds?: Readonly<Record<string, ParameterKind>>;
  /** The model's batch-norm layers, made by `watchableBatchNorm`. Those with `trainable: false` are left unchanged. */
  readonly batchNorms?: readonly (BatchNorm & { readonly trainable?: boolean })[];
  /** The names and axis layouts of the variables in PyTorch's files, for loading pretrained weights. */
  readonly weightTable?: WeightTable;
  /** @default 'model' */
  readonly name?: string;
}

const OPTIONS = {
  variables: true,
  losses: true,
  predict: true,
  kinds: true,
  batchNorms: true,
  weightTable: true,
  name: true,
} satisfies OptionNames<FunctionModelOptions>;

/**
 * Makes a model from variables and a function.
 *
 * @example
 * const w = tf.variable(tf.zeros([4, 1]));
 * functionModel({ variables: { w }, losses: ({ x, y }) => tf.losses.meanSquaredError(y, x.matMul(w)) });
 *
 * @throws HooklineError `HKL_MODEL_VARIABLE` when a listed value is not a variable, or is listed twice,
 * `HKL_OPTION_UNKNOWN` for a misspelt option
 */
export function functionModel<Batch>(options: FunctionModelOptions<Batch>): TrainableModel {
  assertKnownOptions('functionModel', options, OPTIONS);
  const { name = 'model', losses, predict, kinds, batchNorms, weightTable } = options;
  const trainable = new Map<string, tf.Variable>();
  const state = new Map<string, tf.Variable>();
  const seen = new Map<tf.Variable, string>();
  for (const [key, variable] of Object.entries(options.variables)) {
    if (!(variable instanceof tf.Variable)) {
      throw new HooklineError('HKL_MODEL_VARIABLE', `"${key}" is no tf.Variable`, {
        who: `model "${name}"`,
        fix: 'Make it with tf.variable(...)',
      });
    }
    const other = seen.get(variable);
    if (other !== undefined) {
      throw new HooklineError('HKL_MODEL_VARIABLE', `"${key}" and "${other}" are the same variable`, {
        who: `model "${name}"`,
        fix: 'List a shared variable once',
      });
    }
    seen.set(variable, key);
    (variable.trainable ? trainable : state).set(key, variable);
  }
  const model: TrainableModel = {
    name,
    training: true,
    losses: (batch, scope) => losses(batch as Batch, model.training, scope),
    trainable: () => trainable,
    state: () => state,
    ...(predict === undefined ? {} : { predict: (inputs: unknown) => predict(inputs as never, model.training) }),
    ...(batchNorms === undefined
      ? {}
      : { batchNorms: () => batchNorms.filter(({ trainable: isTrained }) => isTrained !== false) }),
    ...(weightTable === undefined ? {} : { weightTable: () => weightTable }),
    ...(kinds === undefined ? {} : { kindOf: (key: string) => kinds[key] ?? kindByName(key) }),
  };
  return model;
}
