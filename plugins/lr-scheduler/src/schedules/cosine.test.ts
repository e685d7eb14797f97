import { scheduleFactor } from '../schedule-factor.ts';
import { cosine } from './cosine.ts';

it('cosine: e + ½(s − e)(1 + cos πw)', () => {
  const factor = scheduleFactor(cosine({ start: 1, end: 0.2 }), 100);
  expect(factor(0)).toBe(1);
  expect(factor(25)).toBeCloseTo(0.2 + 0.4 * (1 + Math.SQRT1_2), 12);
  expect(factor(50)).toBeCloseTo(0.6, 12);
  expect(factor(100)).toBeCloseTo(0.2, 12);
  expect(scheduleFactor(cosine(), 3)(1)).toBeCloseTo(0.75, 12);
});
