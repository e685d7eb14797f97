import { scheduleFactor } from '../schedule-factor.ts';
import { constant } from './constant.ts';

it('constant: v, also at the end of the run', () => {
  const factor = scheduleFactor(constant(0.3), 10);
  expect([0, 5, 10].map(factor)).toEqual([0.3, 0.3, 0.3]);
  expect(scheduleFactor(constant(), 10)(4)).toBe(1);
});
