import { isPeriod, type Period, PERIOD_RULE } from '@hookline/core';
import { z } from 'zod';
import type { InIterations } from '../in-iterations.ts';
import { type Factor, type Position, shareOf, squeezed } from './position.ts';

/** How the warm-up is done; the same for all kinds. */
export interface WarmupOptions {
  /** How long, in iterations of the run, or in epochs as `{ epochs: 1 }`; all of it where it is shorter. @default 1000 */
  readonly iterations?: Period | undefined;
  /** How long, as a share of the run, in place of `iterations`. */
  readonly fraction?: number | undefined;
  /** What the schedule's first value is multiplied with at the beginning. @default 0.001 */
  readonly factor?: number | undefined;
  /** `linear` rises evenly, `constant` stays low until the warm-up is over. @default 'linear' */
  readonly method?: 'linear' | 'constant' | undefined;
  /** Whether the schedule begins after the warm-up, squeezed into what is left, or runs on behind it. @default false */
  readonly rescale?: boolean | undefined;
}

/** A schedule with a warm-up in front. `S` is what the schedule is. */
export interface WarmupSchedule<S> extends WarmupOptions {
  readonly type: 'warmup';
  readonly schedule: S;
}

/** The schema, over the schema of all schedules. */
export const warmupSchema = <S extends z.ZodType>(schedule: S) =>
  z
    .strictObject({
      type: z.literal('warmup'),
      schedule,
      iterations: z.custom<Period>(isPeriod, PERIOD_RULE).optional(),
      fraction: z.number().min(0).max(1).optional(),
      factor: z.number().nonnegative().default(0.001),
      method: z.enum(['linear', 'constant']).default('linear'),
      rescale: z.boolean().default(false),
    })
    .refine(({ iterations, fraction }) => iterations === undefined || fraction === undefined, {
      path: ['fraction'],
      message: 'give either iterations or fraction',
    });

/** Puts a warm-up in front of a schedule. */
export const warmup = <S>(schedule: S, options: WarmupOptions = {}): WarmupSchedule<S> => ({
  type: 'warmup',
  schedule,
  ...options,
});

/** The length of a warm-up where neither `iterations` nor `fraction` is given. */
export const WARMUP_ITERATIONS = 1000;

/**
 * Length of a warm-up within the part of the run that its schedule covers: the share min(iterations / N, 1) of it, as
 * detectron2 has it, or `fraction`.
 */
function warmupLength(
  { iterations = WARMUP_ITERATIONS, fraction }: InIterations<WarmupOptions>,
  position: Position,
): number {
  const { total } = position;
  return fraction === undefined ? Math.min(squeezed(iterations, position), total) : shareOf(total, fraction);
}

/**
 * From f·S(0) to S(0) where the schedule is rescaled, else to S(L), within the length L; then S((w − L) / (1 − L)) or
 * S(w).
 */
export function warmupFactor<S>(
  schedule: InIterations<WarmupOptions> & { readonly schedule: S },
  compile: (schedule: S) => Factor,
): Factor {
  const { factor: low = 0.001, method = 'linear', rescale = false } = schedule;
  const inner = compile(schedule.schedule);
  return (position) => {
    const { iteration, total } = position;
    const length = warmupLength(schedule, position);
    if (iteration >= length) {
      return inner(rescale ? { ...position, iteration: iteration - length, total: total - length } : position);
    }
    const begin = low * inner({ ...position, iteration: 0 });
    if (method === 'constant') return begin;
    const end = inner({ ...position, iteration: rescale ? 0 : length });
    const w = iteration / length;
    return end * w + begin * (1 - w);
  };
}
