import {
  didYouMean,
  HooklineError,
  makePlugin,
  type Plugin,
  type StepContext,
  type StepOutput,
  storageRef,
  TOTAL_LOSS,
  type EventStorage,
  type WeakHandle,
} from '@hookline/core';
import { modelRef, type PartModel, type TrainableModel } from '../model/trainable-model.ts';
import { type Optimizer, optimizerRef } from '../parameters/optimizer.ts';

/** The key under which {@link forPart} itself requires the model. */
const WHOLE = 'hooklineWholeModel';
/** The key under which it requires the storage. */
const STORAGE = 'hooklinePartStorage';

/** The hooks inside the step, each of which is called for every part. */
const INSIDE = ['batch', 'losses', 'gradients', 'update', 'afterUpdate'] as const;

/**
 * Applies a plugin to one part of an {@link alternatingModel}, for example a learning-rate schedule, clipping or a
 * moving average for the generator alone. To the plugin, the part looks like a whole training. It sees the part's model
 * and optimizer. Its taps inside the step, `beforeStep` and `afterStep` run only when the part is updated, and see the
 * part's losses and metrics under their own names. What it stores in `afterStep` is prefixed with the part's name, as
 * in `generator/lr`.
 *
 * The same plugin may be listed for several parts; each is its own instance, named after the part. A plugin that
 * provides a service, such as `ema`, can be listed only once.
 *
 * @param part the name of the part; one that the model lacks is an error when the plugins are set up (`HKL_PART_UNKNOWN`)
 * @example plugins: [forPart('generator', ema()), forPart('critic', gradientClipping({ type: 'value', clip: 0.01 }))]
 */
export function forPart(part: string, plugin: Plugin): Plugin {
  const { definition, options, instance } = plugin;
  const { requires = {} } = definition;
  const setup = (context: Readonly<Record<string, unknown>>, given: unknown): unknown => {
    const { id } = context['plugin'] as { readonly id: string };
    const whole = context[WHOLE] as WeakHandle<TrainableModel>;
    const model = handle(whole, (value) => partOf(value, part, id));
    // Read the part before tapping any hook, so that a misspelt part name raises an error.
    const { period } = model.value;
    const own: Record<string, unknown> = { ...context, hooks: partHooks(context, part, period) };
    for (const [key, requirement] of Object.entries(requires)) {
      const ref = requirement.kind === 'optional' ? requirement.ref : requirement;
      if (ref === modelRef) own[key] = model;
      if (ref === optimizerRef)
        own[key] = handle(context[key] as WeakHandle<Optimizer>, ({ parts }) => parts?.get(part) as Optimizer);
    }
    return definition.setup(own as never, given);
  };
  // Prefix the outputs with the part, so that plugins of different parts do not write the same names.
  const { writes = [] } = definition;
  const ofPart = (names: readonly string[]): readonly string[] => names.map((name) => `parts/${part}/${name}`);
  const written = typeof writes === 'function' ? (chosen: unknown) => ofPart(writes(chosen)) : ofPart(writes);
  const defined = {
    ...definition,
    writes: written,
    requires: { ...requires, [WHOLE]: modelRef, [STORAGE]: storageRef },
    setup,
  };
  return makePlugin(defined as typeof definition, options, instance === undefined ? part : `${part}/${instance}`);
}

/** A handle on a value derived from the value of another handle. */
const handle = <T extends object, U extends object>(of: WeakHandle<T>, pick: (value: T) => U): WeakHandle<U> => ({
  get value() {
    return pick(of.value);
  },
});

function partOf({ name, parts }: TrainableModel, part: string, who: string): PartModel {
  const found = parts?.get(part);
  if (found !== undefined) return found;
  throw new HooklineError('HKL_PART_UNKNOWN', `the model "${name}" has no part "${part}" that is updated`, {
    who,
    fix:
      parts === undefined
        ? 'List the plugin without forPart, or give an alternatingModel'
        : didYouMean(part, parts.keys()),
  });
}

type Tap = (...args: readonly unknown[]) => unknown;
type Hooks = Readonly<Record<string, { tap(fn: Tap): void }>>;

/** The hooks as the plugin of one part sees them. */
function partHooks(context: Readonly<Record<string, unknown>>, part: string, period: number): Hooks {
  const hooks = context['hooks'] as Hooks;
  const storage = context[STORAGE] as EventStorage;
  const isDue = ({ iteration }: StepContext): boolean => (iteration + 1) % period === 0;
  const taps: Record<string, (fn: Tap) => void> = {
    beforeStep: (fn) => hooks['beforeStep']?.tap((step) => (isDue(step as StepContext) ? fn(step) : undefined)),
    afterStep: (fn) =>
      hooks['afterStep']?.tap((step, output) =>
        isDue(step as StepContext)
          ? storage.nameScope(part, () => fn(step, outputOf(output as StepOutput, part)))
          : undefined,
      ),
  };
  for (const name of INSIDE)
    taps[name] = (fn) => hooks[name]?.tap((value, updated) => (updated === part ? fn(value) : undefined));
  return new Proxy(
    {},
    {
      get: (_, name): unknown => {
        const tap = typeof name === 'string' && Object.hasOwn(taps, name) ? taps[name] : undefined;
        return tap === undefined ? Reflect.get(hooks, name) : { tap };
      },
    },
  );
}

/** A step's output for one part, under the names that it would have in its own training. */
function outputOf({ losses, metrics = {}, dataTime }: StepOutput, part: string): StepOutput {
  const { [TOTAL_LOSS]: totalLoss, ...others } = valuesOf(losses, part);
  return {
    losses: Object.keys(others).length > 0 || totalLoss === undefined ? others : { [TOTAL_LOSS]: totalLoss },
    ...(totalLoss === undefined ? {} : { totalLoss }),
    metrics: valuesOf(metrics, part),
    ...(dataTime === undefined ? {} : { dataTime }),
  };
}

const valuesOf = <T>(values: Readonly<Record<string, T>>, part: string): Record<string, T> =>
  Object.fromEntries(
    Object.entries(values)
      .filter(([name]) => name.startsWith(`${part}/`))
      .map(([name, value]) => [name.slice(part.length + 1), value]),
  );

/**
 * Refuses a model of several parts before the first step, for plugins that support only one model with one optimizer.
 *
 * @param who the id of the plugin
 * @param instead what to do with such a model; default: leave the plugin out
 * @throws HooklineError `HKL_PARTS_UNSUPPORTED`
 */
export function assertNoParts({ parts }: TrainableModel, who: string, instead = 'Leave the plugin out'): void {
  if (parts === undefined) return;
  throw new HooklineError('HKL_PARTS_UNSUPPORTED', `it cannot follow ${parts.size} parts that are updated in turn`, {
    who,
    where: 'setup',
    fix: instead,
  });
}
