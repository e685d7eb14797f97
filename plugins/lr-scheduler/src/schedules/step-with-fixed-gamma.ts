import { z } from 'zod';
import type { Factor } from './position.ts';
import { stepFactor } from './step.ts';

export const stepWithFixedGammaSchema = z.strictObject({
  type: z.literal('step-with-fixed-gamma'),
  /** Factor at the start. @default 1 */
  base: z.number().nonnegative().default(1),
  /** Number of decays; the run is divided into one more equal share. @default 3 */
  decays: z.int().positive().default(3),
  /** Ratio of each value to the previous one. @default 0.1 */
  gamma: z.number().nonnegative().default(0.1),
});

export type StepWithFixedGammaSchedule = z.input<typeof stepWithFixedGammaSchema>;

/** Decays by the same ratio after equal shares of the run. */
export const stepWithFixedGamma = (
  options: Omit<StepWithFixedGammaSchedule, 'type'> = {},
): StepWithFixedGammaSchedule => ({ type: 'step-with-fixed-gamma', ...options });

/** b·γ^⌊w·(decays + 1)⌋ */
export function stepWithFixedGammaFactor({ base, decays, gamma }: z.output<typeof stepWithFixedGammaSchema>): Factor {
  return stepFactor({ type: 'step', values: Array.from({ length: decays + 1 }, (_, k) => base * gamma ** k) });
}
