import { scheduleFactor } from '../schedule-factor.ts';
import { stepWithFixedGamma } from './step-with-fixed-gamma.ts';

it('step with fixed gamma: b·γ^⌊w·(decays + 1)⌋, and no error at the end of the run', () => {
  const factor = scheduleFactor(stepWithFixedGamma({ base: 2, decays: 3, gamma: 0.5 }), 8);
  expect([0, 1, 2, 3, 4, 5, 6, 7, 8].map(factor)).toEqual([2, 2, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25]);
  expect(scheduleFactor(stepWithFixedGamma(), 4)(1)).toBeCloseTo(0.1, 15);
});
