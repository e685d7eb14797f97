import { didYouMean, HooklineError } from '@hookline/core';
import type { BatchNorm, TrainableModel } from '@hookline/tfjs';

/** Variables and batch norms that are unfrozen at the same time. */
export interface FrozenSet {
  /** First iteration in which they are trained; Infinity for never. If the rule counts in epochs, the value is final when the training starts. */
  readonly until: number;
  /** The variables that the optimizer updates. */
  readonly trained: readonly string[];
  /** The other variables, such as statistics. */
  readonly state: readonly string[];
  readonly norms: readonly BatchNorm[];
}

/** A rule with its last iteration resolved; undefined means permanently frozen. */
export interface ResolvedRule {
  readonly names: string | readonly string[];
  readonly until?: (() => number) | undefined;
}

const never = (): number => Infinity;

/**
 * Finds the variables that the rules match, grouped by the iteration at which they are unfrozen.
 *
 * @throws HooklineError `HKL_FREEZE_NAMES` for a pattern without a match; `HKL_FREEZE_NORM` if only one of the statistics of
 * a batch norm is frozen, or if the layer cannot be frozen
 */
export function findFrozen(who: string, model: TrainableModel, rules: readonly ResolvedRule[]): FrozenSet[] {
  const [trained, state] = [[...model.trainable().keys()], [...model.state().keys()]];
  const until = new Map<string, number>();
  const moments = new Map<number, () => number>();
  for (const { names, until: moment = never } of rules) {
    const end = moment();
    moments.set(end, moment);
    for (const pattern of typeof names === 'string' ? [names] : names) {
      const fits = matcher(pattern);
      const found = [...trained, ...state].filter(fits);
      if (found.length === 0) throw nothingFits(who, pattern, [...trained, ...state]);
      for (const name of found) until.set(name, Math.max(until.get(name) ?? 0, end));
    }
  }
  const norms = new Map((model.batchNorms?.() ?? []).map((norm) => [norm, normUntil(who, model, norm, until)]));
  const ends = [...new Set(until.values())].sort((a, b) => a - b);
  return ends.map((end) => ({
    get until() {
      return (moments.get(end) ?? never)();
    },
    trained: trained.filter((name) => until.get(name) === end),
    state: state.filter((name) => until.get(name) === end),
    norms: [...norms].filter(([, each]) => each === end).map(([norm]) => norm),
  }));
}

function matcher(pattern: string): (name: string) => boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  const whole = new RegExp(`^${parts.join('.*')}$`, 's');
  return (name) => whole.test(name);
}

/** The iteration until which a batch norm is frozen, which must be the same for all its statistics; undefined if it is not frozen. */
function normUntil(
  who: string,
  model: TrainableModel,
  norm: BatchNorm,
  until: ReadonlyMap<string, number>,
): number | undefined {
  const statistics = [...model.state()].filter(([, variable]) => variable === norm.mean || variable === norm.variance);
  const names = statistics.map(([name]) => name);
  const ends = names.map((name) => until.get(name));
  if (ends.every((end) => end === undefined)) return undefined;
  const [first] = ends;
  if (ends.some((end) => end !== first)) {
    throw new HooklineError(
      'HKL_FREEZE_NORM',
      `only one of ${names.join(' and ')} of the batch norm "${norm.name}" is frozen`,
      {
        who,
        fix: 'Freeze both until the same iteration',
      },
    );
  }
  if (norm.freeze === undefined) {
    throw new HooklineError('HKL_FREEZE_NORM', `the batch norm "${norm.name}" cannot be frozen`, {
      who,
      fix: 'Make it with watchableBatchNorm or tf.layers, or leave its statistics out of the rules',
    });
  }
  return first;
}

function nothingFits(who: string, pattern: string, names: readonly string[]): HooklineError {
  return new HooklineError('HKL_FREEZE_NAMES', `no variable of the model matches "${pattern}"`, {
    who,
    fix: `${didYouMean(pattern, names)}. hookline inspect lists the names; * stands for any characters`,
  });
}
