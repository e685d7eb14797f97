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
