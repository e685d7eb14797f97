import { scheduleFactor } from '../schedule-factor.ts';
import { exponential } from './exponential.ts';

it('exponential: s·d^w', () => {
  const factor = scheduleFactor(exponential({ start: 2, decay: 0.01 }), 10);
  expect(factor(0)).toBe(2);
  expect(factor(5)).toBeCloseTo(0.2, 12);
  expect(factor(10)).toBeCloseTo(0.02, 12);
});
