import { scheduleFactor } from '../schedule-factor.ts';
import { linear } from './linear.ts';

it('linear: e·w + s·(1 − w)', () => {
  const factor = scheduleFactor(linear({ start: 0.1, end: 0.5 }), 8);
  expect(factor(0)).toBe(0.1);
  expect(factor(2)).toBeCloseTo(0.2, 12);
  expect(factor(8)).toBe(0.5);
  expect([0, 5, 10].map(scheduleFactor(linear(), 10))).toEqual([1, 0.5, 0]);
});
