import { figure, type Figure } from './figure.ts';

/** Runs one round of a contestant. If it returns or resolves to a number, that is the sample; otherwise its wall time in ms is. */
export type Contestant = () => unknown;

export interface AlternateOptions {
  /** Number of measured rounds. Default 10. */
  readonly rounds?: number;
  /** Number of rounds before those, whose samples are discarded. Default 1. */
  readonly warmup?: number;
  /** Unit of the numbers that the contestants return. Default `ms`. */
  readonly unit?: string;
}

export interface Contest<Label extends string> {
  /** One number per round for each label. Numbers with the same index come from the same round. */
  readonly samples: Readonly<Record<Label, readonly number[]>>;
  readonly figures: Readonly<Record<Label, Figure>>;
}

/**
 * Runs contestants in turn, round by round, in this process, so that a slowdown of the machine affects all of them. Each
 * round starts with a different contestant, so that none always runs right after the same other one.
 */
export async function alternate<Label extends string>(
  contestants: Readonly<Record<Label, Contestant>>,
  { rounds = 10, warmup = 1, unit = 'ms' }: AlternateOptions = {},
): Promise<Contest<Label>> {
  const entries = Object.entries(contestants) as [Label, Contestant][];
  const samples = Object.fromEntries(entries.map(([label]) => [label, []])) as unknown as Record<Label, number[]>;
  for (let round = -warmup; round < rounds; round++) {
    const first = (round + warmup) % entries.length;
    for (const [label, contestant] of [...entries.slice(first), ...entries.slice(0, first)]) {
      const sample = await measure(contestant);
      if (round >= 0) samples[label].push(sample);
    }
  }
  const figures = Object.fromEntries(entries.map(([label]) => [label, figure(samples[label], unit)]));
  return { samples, figures: figures as Record<Label, Figure> };
}

async function measure(contestant: Contestant): Promise<number> {
  const begin = performance.now();
  const returned = await contestant();
  return typeof returned === 'number' ? returned : performance.now() - begin;
}

/**
 * Combines the samples of two contestants round by round: `figureOfPairs(a, b, (x, y) => (x - y) * 1000, 'us')`. Drift that
 * affects both cancels, which it would not in a difference of two medians.
 */
export function figureOfPairs(
  left: readonly number[],
  right: readonly number[],
  combine: (left: number, right: number) => number,
  unit: string,
): Figure {
  if (left.length !== right.length) throw new RangeError(`${left.length} samples do not pair with ${right.length}`);
  return figure(
    left.map((value, index) => combine(value, right[index] ?? Number.NaN)),
    unit,
  );
}
