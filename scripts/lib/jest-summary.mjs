import { relative } from 'node:path';

/**
 * The closing line of a test run.
 *
 * A file that could not be run at all counts as one failure: its tests are unknown.
 *
 * @param {{ numPassedTests: number, numFailedTests: number, numRuntimeErrorTestSuites: number }} result jest's JSON
 */
export function countLine({ numPassedTests, numFailedTests, numRuntimeErrorTestSuites }) {
  return `${numPassedTests} passed, ${numFailedTests + numRuntimeErrorTestSuites} failed`;
}

/**
 * Lines that say which tests did not run.
 *
 * @param {{ testResults: readonly { assertionResults: readonly { status: string, fullName: string }[] }[] }} result
 * @returns {string[]}
 */
export function skippedLines({ testResults }) {
  return testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'pending' || status === 'todo')
    .map(({ fullName }) => `skipped: ${fullName}`);
}

/**
 * A line with the test files that took longest, the longest first, since they decide how long all tests take. Nothing
 * for runs of a few files.
 *
 * @param {{ testResults: readonly { name: string, startTime: number, endTime: number }[] }} result
 * @param {string} root folder that the names are shown from
 * @returns {string[]}
 */
export function slowestLines({ testResults }, root, count = 25) {
  if (testResults.length <= count) return [];
  const files = testResults
    .map(({ name, startTime, endTime }) => ({ name: relative(root, name), seconds: (endTime - startTime) / 1000 }))
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, count);
  return ['slowest:', ...files.map(({ name, seconds }) => `${seconds.toFixed(0).padStart(5)} s  ${name}`)];
}
