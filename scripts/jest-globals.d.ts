/**
 * Skips the current test; in `beforeEach`, the test that is about to run. It is reported as skipped, with the reason after
 * its name, whereas a test that returns early would be reported as passed.
 *
 * @param reason what the test lacks, for example `needs native TensorFlow`
 */
declare function skipTest(reason: string): never;

/**
 * Makes an empty folder for the files of a test. It is removed with all that it holds when the tests of the file have run.
 *
 * @returns its absolute path
 */
declare function temporaryFolder(): string;
