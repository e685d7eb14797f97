import { z } from 'zod';
import type { Factor } from './position.ts';

export const oneCycleSchema = z.strictObject({
  type: z.literal('one-cycle'),
  /** Share of the run in which the rate rises. @default 0.3 */
  pctStart: z.number().min(0).max(1).default(0.3),
  /** Whether the rate follows a cosine or a straight line. @default 'cos' */
  annealStrategy: z.enum(['cos', 'linear']).default('cos'),
  /** The first factor is 1 / divFactor. @default 25 */
  divFactor: z.number().positive().default(25),
  /** The last factor is 1 / (divFactor · finalDivFactor). @default 1e4 */
  finalDivFactor: z.number().positive().default(1e4),
  /** Whether the rate first falls back to the first factor as fast as it rises, and then to the last one. @default false */
  threePhase: z.boolean().default(false),
});

export type OneCycleSchedule = z.input<typeof oneCycleSchema>;

/**
 * One cycle from a low rate up to the optimizer's own rate and down to almost 0, like torch's OneCycleLR. Its
 * `max_lr` is the optimizer's own rate here, and its `total_steps` is the number of iterations of the run.
 */
export const oneCycle = (options: Omit<OneCycleSchedule, 'type'> = {}): OneCycleSchedule => ({
  type: 'one-cycle',
  ...options,
});

/**
 * Phases end one iteration before their share of the run is over, at pctStart·N − 1 for the first one and at the last
 * iteration, N − 1, for the last one: a cycle that ends with the run at N is off by up to a step of the steepest part.
 */
export function oneCycleFactor(schedule: z.output<typeof oneCycleSchema>): Factor {
  const { pctStart, divFactor, finalDivFactor, threePhase } = schedule;
  const first = 1 / divFactor;
  const last = first / finalDivFactor;
  const anneal = schedule.annealStrategy === 'cos' ? alongCosine : alongLine;
  return ({ iteration, total }) => {
    const phases: readonly (readonly [end: number, from: number, to: number])[] = threePhase
      ? [
          [pctStart * total - 1, first, 1],
          [2 * pctStart * total - 2, 1, first],
          [total - 1, first, last],
        ]
      : [
          [pctStart * total - 1, first, 1],
          [total - 1, 1, last],
        ];
    let begin = 0;
    for (const [end, from, to] of phases) {
      if (iteration <= end) return anneal(from, to, end > begin ? (iteration - begin) / (end - begin) : 1);
      begin = end;
    }
    // This is the value after the last iteration, which no step uses.
    return last;
  };
}

const alongCosine = (from: number, to: number, share: number): number =>
  to + ((from - to) / 2) * (Math.cos(Math.PI * share) + 1);

const alongLine = (from: number, to: number, share: number): number => (to - from) * share + from;
