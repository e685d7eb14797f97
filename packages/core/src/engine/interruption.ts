/** The wait for a batch was given up since the training shall end. It is no failure. */
export class Interruption extends Error {
  constructor(signal: string) {
    super(`given up after ${signal}`);
  }
}
