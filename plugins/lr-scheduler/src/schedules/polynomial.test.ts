import { scheduleFactor } from '../schedule-factor.ts';
import { polynomial } from './polynomial.ts';

it('polynomial: b·(1 − w)^p', () => {
  const factor = scheduleFactor(polynomial({ base: 0.5, power: 2 }), 10);
  expect([0, 5, 10].map(factor)).toEqual([0.5, 0.125, 0]);
});
