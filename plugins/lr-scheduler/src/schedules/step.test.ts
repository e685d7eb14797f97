import { scheduleFactor } from '../schedule-factor.ts';
import { step } from './step.ts';

it('step: values[⌊w·K⌋], and the last value at the end of the run', () => {
  const factor = scheduleFactor(step([0.1, 0.01, 0.001]), 90);
  expect([0, 29, 30, 59, 60, 89, 90].map(factor)).toEqual([0.1, 0.1, 0.01, 0.01, 0.001, 0.001, 0.001]);
});

it('step: a run that cannot be cut evenly steps at the first iteration past each share', () => {
  expect([0, 1, 2, 3, 4].map(scheduleFactor(step([3, 2, 1]), 4))).toEqual([3, 3, 2, 1, 1]);
});
