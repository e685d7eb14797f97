import { isBetter } from './is-better.ts';

it.each([
  [1, undefined, 'max', true],
  [2, 1, 'max', true],
  [1, 1, 'max', false],
  [0.5, 1, 'max', false],
  [0.5, 1, 'min', true],
  [1, 1, 'min', false],
  [Number.NaN, undefined, 'max', false],
  [Infinity, undefined, 'max', false],
  [Infinity, 1, 'max', false],
  [-Infinity, 1, 'min', false],
] as const)('%d against %s with mode %s: %s', (value, best, mode, expected) =>
  expect(isBetter(value, best, mode)).toBe(expected),
);
