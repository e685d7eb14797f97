import { isPeriod, type Period, PERIOD_RULE } from '@hookline/core';
import { z } from 'zod';
import type { InIterations } from '../in-iterations.ts';
import { type Factor, type Position, shareOf, compressed } from './position.ts';

/** Options of a warm-up. */
export interface WarmupOptions {
  /** Length in iterations of the run, or in epochs as `{ epochs: 1 }`; at most the length of the run. @default 1000 */
  readonly iterations?: Period | undefined;
  /** Length as a share of the run, instead of `iterations`. */
  readonly fraction?: number | undefined;
  /** Factor of the schedule's first value at the start of the warm-up. @default 0.001 */
  readonly factor?: number | undefined;
  /** `linear` rises evenly, `constant` stays low until the warm-up is over. @default 'linear' */
  readonly method?: 'linear' | 'constant' | undefined;
  /** Whether the schedule is compressed into the part of the run after the warm-up, instead of starting at the same time as the warm-up. @default false */
  readonly rescale?: boolean | undefined;
}

/** A schedule that starts with a warm-up. `S` is the type of the schedule. */
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

/** Adds a warm-up to the start of a schedule. */
export const warmup = <S>(schedule: S, options: WarmupOptions = {}): WarmupSchedule<S> => ({
  type: 'warmup',
  schedule,
  ...options,
});

/** Default length of a warm-up, if neither `iterations` nor `fraction` is given. */
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
  return fraction === undefined ? Math.min(compressed(iterations, position), total) : shareOf(total, fraction);
}

/**
 * Within the length L, the factor goes from f·S(0) to S(0) if the schedule is rescaled, and to S(L) otherwise. Then it is S((w − L) / (1 − L)) or
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
