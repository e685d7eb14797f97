/**
 * Ends the test that runs, or is about to run where `beforeEach` calls it. It is reported as skipped, with the reason
 * behind its name, since a test that returns early would be reported as passed.
 *
 * @param reason what is missing here, for example `needs native TensorFlow`
 */
declare function skipTest(reason: string): never;
