/** Ends the wait for a batch because a signal asked the training to stop. It is not a failure. */
export class Interruption extends Error {
  constructor(signal: string) {
    super(`given up after ${signal}`);
  }
}
