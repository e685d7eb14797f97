import { assertKnownOptions, HooklineError, isPlainObject, type OptionNames } from '@hookline/core';
import type tf from '#tfjs';
import type { Optimizer } from '../parameters/optimizer.ts';
import { collectLosses } from '../gradients/collect-losses.ts';
import type { StepScope } from '../scope/step-scope.ts';
import { assertOptimizer } from './check-parts.ts';
import { asModel, type ModelLike } from './as-model.ts';
import { parameterKind } from '../parameters/parameter-kind.ts';
import { modelVariables, type ModelLosses, type PartModel, type TrainableModel } from './trainable-model.ts';

/** One part of an {@link alternatingModel}: its model, losses and optimizer. */
export interface AlternatingPart<Batch = never> {
  /** The model to train: a model of Hookline's, a tf.layers model, or variables by name. */
  readonly model: ModelLike;
  /**
   * The losses of a batch on the device, a pure function of tensors. It returns a float32 scalar, or named scalars,
   * which are summed. It may use the variables of other parts, but does not change them. Default: the losses of the
   * model
   */
  readonly losses?: (batch: Batch, scope?: StepScope) => ModelLosses;
  /** The optimizer of the part. A part without one is saved but never updated, such as a target network. */
  readonly optimizer?: Optimizer | ((model: TrainableModel) => Optimizer);
  /**
   * The part is updated once in this many iterations: when the iteration number plus 1 is a multiple of it.
   *
   * @default 1
   */
  readonly period?: number;
}

/** A model whose parts are updated in turn. */
export interface AlternatingModel extends TrainableModel {
  readonly parts: ReadonlyMap<string, PartModel>;
}

const PART = { model: true, losses: true, optimizer: true, period: true } satisfies OptionNames<AlternatingPart>;

/**
 * A model whose parts are updated in turn in each iteration, each with its own losses and optimizer, such as a
 * generator and a discriminator, or an actor and a critic. The parts are updated in the listed order on the same batch,
 * and each sees the changes of those before it. It replaces a trainer's model and optimizer, and is saved as a whole.
 *
 * All parts together make one step. When captured, it is one graph. If the losses or gradients of one part are not
 * finite, no part changes. Metrics are named by part, as in `generator/total_loss`; `total_loss` is the sum over the
 * updated parts. Variables are named by part too, as in `generator/dense/kernel`. A variable that several parts share
 * has its name from the first of them; each part's optimizer keeps its own state for it.
 *
 * The whole model has no `predict`; call `model.parts.get('generator').predict(noise)` for one part.
 *
 * @example
 * new SimpleTrainer({
 *   model: () => {
 *     const [generator, discriminator] = [makeGenerator(), makeDiscriminator()]; // Models of tf.layers.
 *     const fake = () => generator.apply(tf.randomNormal([64, 16])) as tf.Tensor;
 *     return alternatingModel<{ x: tf.Tensor }>({
 *       discriminator: {
 *         model: discriminator,
 *         losses: ({ x }) => ({ real: loss(discriminator.apply(x), 1), fake: loss(discriminator.apply(fake()), 0) }),
 *         optimizer: (model) => adam(model, { learningRate: 0.0004, beta1: 0.5 }),
 *       },
 *       generator: {
 *         model: generator,
 *         losses: () => loss(discriminator.apply(fake()), 1),
 *         optimizer: (model) => adam(model, { learningRate: 0.0002, beta1: 0.5 }),
 *       },
 *     });
 *   },
 *   data, maxIterations: 2000,
 * });
 *
 * @throws HooklineError `HKL_PART_INVALID` for parts that cannot take turns, `HKL_OPTION_UNKNOWN` for a misspelt option,
 * and what {@link asModel} raises
 */
export function alternatingModel<Batch = never>(
  parts: Readonly<Record<string, AlternatingPart<Batch>>>,
): AlternatingModel {
  const entries = Object.entries(parts);
  for (const [name, part] of entries) checkPart(name, part);
  const updated = entries.filter(([, { optimizer }]) => optimizer !== undefined);
  if (!updated.some(([, { period = 1 }]) => period === 1)) {
    throw invalid('alternatingModel', 'there are iterations in which no part is updated', {
      fix: 'Give at least one part an optimizer and leave out its period',
    });
  }
  const names = new Map<tf.Variable, string>();
  for (const [part, { model }] of entries)
    for (const [name, variable] of modelVariables(asModel(model)))
      if (!names.has(variable)) names.set(variable, `${part}/${name}`);
  const models = new Map(updated.map(([name, part]) => [name, partModel(name, part, names)]));
  const all = entries.map(([, { model }]) => asModel(model));
  const trained = new Map([...models.values()].flatMap((model) => [...model.trainable()]));
  const rest = new Map(
    [...names].map(([variable, name]) => [name, variable] as const).filter(([name]) => !trained.has(name)),
  );
  const norms = [...models.values()].flatMap((model) => model.batchNorms?.() ?? []);
  return {
    name: entries.map(([name]) => name).join(' and '),
    parts: models,
    get training() {
      return all.every(({ training }) => training);
    },
    set training(value) {
      for (const model of all) model.training = value;
    },
    losses: (batch) =>
      Object.fromEntries(
        [...models].flatMap(([part, model]) =>
          Object.entries(collectLosses(model.losses(batch), `part "${part}"`)).map(([name, loss]) => [
            `${part}/${name}`,
            loss as tf.Tensor,
          ]),
        ),
      ),
    trainable: () => trained,
    state: () => rest,
    kindOf: (name) => [...models.values()].find((model) => model.trainable().has(name))?.kindOf?.(name) ?? 'weight',
    batchNorms: () => [...new Set(norms)],
  };
}

/** A part as the step sees it, with its variables under their names in the whole model. */
function partModel<Batch>(
  name: string,
  { model: given, losses, optimizer, period = 1 }: AlternatingPart<Batch>,
  names: ReadonlyMap<tf.Variable, string>,
): PartModel {
  const own = asModel(given);
  const renamed = (variables: ReadonlyMap<string, tf.Variable>): ReadonlyMap<string, tf.Variable> =>
    new Map([...variables.values()].map((variable) => [names.get(variable) as string, variable]));
  const [trainable, state] = [renamed(own.trainable()), renamed(own.state())];
  const ownNames = new Map(
    [...own.trainable()].map(([key, variable]) => [names.get(variable) as string, key] as const),
  );
  const model: PartModel = {
    name,
    period,
    get training() {
      return own.training;
    },
    set training(value) {
      own.training = value;
    },
    losses: (batch, scope) => (losses === undefined ? own.losses(batch, scope) : losses(batch as Batch, scope)),
    trainable: () => trainable,
    state: () => state,
    constrain: (updated) => own.constrain?.(new Set([...updated].flatMap((key) => ownNames.get(key) ?? []))),
    kindOf: (key) => parameterKind(own, ownNames.get(key) ?? key),
    batchNorms: () => own.batchNorms?.() ?? [],
    ...(own.predict === undefined ? {} : { predict: (inputs) => own.predict?.(inputs) }),
    makeOptimizer: () => assertOptimizer(typeof optimizer === 'function' ? optimizer(model) : optimizer),
  };
  return model;
}

function checkPart(name: string, part: unknown): void {
  const who = `part "${name}" of alternatingModel`;
  if (!isPlainObject(part)) throw invalid(who, 'it is no object', { fix: 'Give { model, losses, optimizer }' });
  assertKnownOptions(who, part, PART);
  const { model, losses, optimizer, period } = part as Partial<AlternatingPart>;
  if (name === '' || name.includes('/'))
    throw invalid(who, `"${name}" cannot name a part`, { fix: 'Give a name without "/", which separates names' });
  if (model === undefined)
    throw invalid(who, 'it has no model', { fix: 'Give the model, or the variables by name, that it trains' });
  if (losses !== undefined && typeof losses !== 'function')
    throw invalid(who, 'its losses are no function', { fix: 'Give (batch) => a scalar, or scalars by name' });
  if (losses !== undefined && optimizer === undefined)
    throw invalid(who, 'it has losses and no optimizer', { fix: 'Give it one, or leave out its losses' });
  if (period !== undefined && (!Number.isInteger(period) || period < 1))
    throw invalid(who, `period is ${String(period)}`, { fix: 'Give a number of iterations, at least 1' });
}

const invalid = (who: string, what: string, { fix }: { readonly fix: string }): HooklineError =>
  new HooklineError('HKL_PART_INVALID', what, { who, fix });
