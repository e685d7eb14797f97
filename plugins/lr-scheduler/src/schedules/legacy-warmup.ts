import { isPeriod, type Period, PERIOD_RULE } from '@hookline/core';
import { z } from 'zod';
import { type Position, compressed } from './position.ts';

/** The warm-up options of the WarmupXxxLR schedules. */
export const legacyWarmupShape = {
  /** Iterations, or epochs as `{ epochs: 1 }`. @default 1000 */
  warmupIterations: z.custom<Period>(isPeriod, PERIOD_RULE).default(1000),
  /** Factor at the start of the warm-up. @default 0.001 */
  warmupFactor: z.number().nonnegative().default(0.001),
  /** `linear` rises evenly, `constant` stays at the factor of the start until the warm-up is over. @default 'linear' */
  warmupMethod: z.enum(['linear', 'constant']).default('linear'),
};

interface LegacyWarmup {
  readonly warmupIterations: number;
  readonly warmupFactor: number;
  readonly warmupMethod: 'linear' | 'constant';
}

/** a(i) is 1 after the warm-up of W iterations; during the warm-up it is f, or f·(1 − i/W) + i/W if it is linear. */
export function legacyWarmup(
  { warmupIterations, warmupFactor, warmupMethod }: LegacyWarmup,
  position: Position,
): number {
  const { iteration } = position;
  const length = compressed(warmupIterations, position);
  if (iteration >= length) return 1;
  if (warmupMethod === 'constant') return warmupFactor;
  const alpha = iteration / length;
  return warmupFactor * (1 - alpha) + alpha;
}
