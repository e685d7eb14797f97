/** A data source that knows what it is doing, so that whoever waits for long can say what for. */
export interface WaitingData {
  /** What the batch that is asked for waits for, such as the file that a thread reads. */
  waitsFor(): string | undefined;
}

/** The wait for a batch, which can be given up. */
export class BatchWait {
  #giveUp: ((error: unknown) => void) | undefined;
  /** Whether a batch was given up, which its iterator may still be waiting for. */
  isStuck = false;

  /** Whether a batch is awaited. */
  get isWaiting(): boolean {
    return this.#giveUp !== undefined;
  }

  /** Ends the wait with an error; the batch is dropped when it comes after all. */
  giveUp(error: unknown): void {
    this.#giveUp?.(error);
  }

  /** The value of `taken`, or the error that the wait is given up with. */
  for<T>(taken: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const giveUp = (error: unknown): void => {
        this.isStuck = true;
        this.#giveUp = undefined;
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- handed on as it is
        reject(error);
      };
      this.#giveUp = giveUp;
      const end = (): void => {
        if (this.#giveUp === giveUp) this.#giveUp = undefined;
      };
      taken.finally(end).then(resolve, reject);
    });
  }
}
