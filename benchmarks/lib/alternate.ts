import { figure, type Figure } from './figure.ts';

/** One round of a contestant. A number that it returns, or resolves to, is its figure; else its wall time in ms is. */
export type Contestant = () => unknown;

export interface AlternateOptions {
  /** Measured rounds. Default 10. */
  readonly rounds?: number;
  /** Rounds in front of those whose figures are thrown away. Default 1. */
  readonly warmup?: number;
  /** Unit of what the contestants return. Default `ms`. */
  readonly unit?: string;
}

export interface Contest<Label extends string> {
  /** By label, one number per round; those of one index were measured next to each other. */
  readonly samples: Readonly<Record<Label, readonly number[]>>;
  readonly figures: Readonly<Record<Label, Figure>>;
}

/**
 * Runs contestants in turn, round by round, in this process, so that whatever slows the machine down meets all of
 * them. Who begins changes from round to round: nobody always runs in another's wake.
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
 * A figure made from two contestants, round by round: `figureOfPairs(a, b, (x, y) => (x - y) * 1000, 'us')`. Drift
 * that both have met cancels, as it does not in a difference of two medians.
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
