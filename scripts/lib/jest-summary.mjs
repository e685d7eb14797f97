import { relative } from 'node:path';

/**
 * Formats the last line of a test run.
 *
 * A file that could not be run counts as one failure, because the number of its tests is unknown.
 *
 * @param {{ numPassedTests: number, numFailedTests: number, numRuntimeErrorTestSuites: number }} result jest's JSON
 */
export function countLine({ numPassedTests, numFailedTests, numRuntimeErrorTestSuites }) {
  return `${numPassedTests} passed, ${numFailedTests + numRuntimeErrorTestSuites} failed`;
}

/**
 * Lists the skipped tests, one per line.
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
 * Lists the slowest test files, slowest first, because they determine the duration of the whole run. Returns no lines for
 * runs of at most `count` files.
 *
 * @param {{ testResults: readonly { name: string, startTime: number, endTime: number }[] }} result
 * @param {string} root folder that the file names are relative to
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
