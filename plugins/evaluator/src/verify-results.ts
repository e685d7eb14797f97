import { HooklineError, type Results } from '@hookline/core';

/** An expected result: the task (or path of tasks joined by "/"), the metric, its value, and the tolerance. */
export type ExpectedResult = readonly [task: string, metric: string, expected: number, tolerance: number];

/**
 * Compares results with expected numbers. A task of `''` stands for results that are not nested.
 *
 * @throws HooklineError `HKL_RESULTS_UNEXPECTED` with every metric that is missing, not finite, or deviates by more than its
 * tolerance
 */
export function verifyResults(results: Results, expected: readonly ExpectedResult[]): void {
  const problems = expected.flatMap(([task, metric, wanted, tolerance]) => {
    const name = task === '' ? metric : `${task}/${metric}`;
    const found = lookUp(results, [...task.split('/').filter((part) => part !== ''), metric]);
    if (typeof found !== 'number') return [`${name} is missing`];
    if (Number.isFinite(found) && Math.abs(found - wanted) <= tolerance) return [];
    return [`${name} is ${found} instead of ${wanted} ± ${tolerance}`];
  });
  if (problems.length === 0) return;
  throw new HooklineError('HKL_RESULTS_UNEXPECTED', `the results are not as expected: ${problems.join('; ')}`, {
    who: 'evaluation',
    fix: 'Find out what has changed; if the new results are right, update the expected ones',
  });
}

function lookUp(results: Results, path: readonly string[]): number | Results | undefined {
  let found: number | Results | undefined = results;
  for (const name of path) {
    if (typeof found !== 'object' || !Object.hasOwn(found, name)) return undefined;
    found = found[name];
  }
  return found;
}
