/** A data source that can say what it is doing, for messages about a long wait. */
export interface WaitingData {
  /** Says what the requested batch is waiting for, such as the file that a thread is reading. */
  waitsFor(): string | undefined;
}

/** The wait for a batch, which can be given up. */
export class BatchWait {
  #giveUp: ((error: unknown) => void) | undefined;
  /** Whether the wait for a batch was given up while its iterator may still be waiting. */
  isStuck = false;

  /** Whether a batch is awaited. */
  get isWaiting(): boolean {
    return this.#giveUp !== undefined;
  }

  /** Ends the wait with an error. A batch that arrives later is dropped. */
  giveUp(error: unknown): void {
    this.#giveUp?.(error);
  }

  /** Resolves with the value of `taken`, or rejects with the error that ends the wait. */
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
