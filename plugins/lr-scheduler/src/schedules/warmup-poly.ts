import { z } from 'zod';
import type { InIterations } from '../in-iterations.ts';
import { legacyWarmup, legacyWarmupShape } from './legacy-warmup.ts';
import { type Factor, progress } from './position.ts';

export const warmupPolySchema = z.strictObject({
  type: z.literal('warmup-poly'),
  /** @default 0.9 */
  power: z.number().nonnegative().default(0.9),
  /** After the warm-up, values do not fall below this. @default 0 */
  constantEnding: z.number().nonnegative().default(0),
  ...legacyWarmupShape,
});

export type WarmupPolySchedule = z.input<typeof warmupPolySchema>;

/** WarmupPolyLR, which DeepLab uses. */
export const warmupPoly = (options: Omit<WarmupPolySchedule, 'type'> = {}): WarmupPolySchedule => ({
  type: 'warmup-poly',
  ...options,
});

/** a(i)·(1 − i/N)^p; once a(i) is 1, at least the constant ending */
export const warmupPolyFactor =
  (schedule: InIterations<z.output<typeof warmupPolySchema>>): Factor =>
  (position) => {
    const low = legacyWarmup(schedule, position);
    const poly = (1 - progress(position)) ** schedule.power;
    return low === 1 ? Math.max(poly, schedule.constantEnding) : low * poly;
  };
