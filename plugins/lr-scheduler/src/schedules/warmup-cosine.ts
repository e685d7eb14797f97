import { z } from 'zod';
import type { InIterations } from '../in-iterations.ts';
import { legacyWarmup, legacyWarmupShape } from './legacy-warmup.ts';
import { type Factor, progress } from './position.ts';

export const warmupCosineSchema = z.strictObject({ type: z.literal('warmup-cosine'), ...legacyWarmupShape });

export type WarmupCosineSchedule = z.input<typeof warmupCosineSchema>;

/** detectron2's WarmupCosineLR. Unlike in `warmup(cosine(...))`, the warm-up multiplies the schedule. */
export const warmupCosine = (options: Omit<WarmupCosineSchedule, 'type'> = {}): WarmupCosineSchedule => ({
  type: 'warmup-cosine',
  ...options,
});

/** a(i)·½(1 + cos πi/N) */
export const warmupCosineFactor =
  (schedule: InIterations<z.output<typeof warmupCosineSchema>>): Factor =>
  (position) =>
    legacyWarmup(schedule, position) * 0.5 * (1 + Math.cos(Math.PI * progress(position)));
