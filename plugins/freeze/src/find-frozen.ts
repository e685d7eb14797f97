import { didYouMean, HooklineError } from '@hookline/core';
import type { BatchNorm, TrainableModel } from '@hookline/tfjs';

/** Variables and batch norms that begin to move together. */
export interface FrozenSet {
  /** The iteration with which they move; Infinity for never. In epochs it is known for good once the training begins. */
  readonly until: number;
  /** Of the variables that the optimizer updates. */
  readonly trained: readonly string[];
  /** Of the others, such as statistics. */
  readonly state: readonly string[];
  readonly norms: readonly BatchNorm[];
}

/** A rule, with the iteration until which it holds; none for never. */
export interface ResolvedRule {
  readonly names: string | readonly string[];
  readonly until?: (() => number) | undefined;
}

const never = (): number => Infinity;

/**
 * What the rules name, by when it begins to move.
 *
 * @throws HooklineError `HKL_FREEZE_NAMES` for a pattern that nothing fits, `HKL_FREEZE_NORM` where one of the statistics of
 * a batch norm is frozen and the other is not, or where the layer cannot stand still
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

/** Until when a batch norm stands still, as its variables do, which must agree; undefined for one that is not frozen. */
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
      `of the batch norm "${norm.name}" one of ${names.join(' and ')} is frozen`,
      {
        who,
        fix: 'Freeze both for equally long',
      },
    );
  }
  if (norm.freeze === undefined) {
    throw new HooklineError('HKL_FREEZE_NORM', `the batch norm "${norm.name}" cannot stand still`, {
      who,
      fix: 'Make it with watchableBatchNorm or tf.layers, or leave its statistics out of the rules',
    });
  }
  return first;
}

function nothingFits(who: string, pattern: string, names: readonly string[]): HooklineError {
  return new HooklineError('HKL_FREEZE_NAMES', `no variable of the model is called "${pattern}"`, {
    who,
    fix: `${didYouMean(pattern, names)}. hookline inspect lists the names; * stands for any characters`,
  });
}
