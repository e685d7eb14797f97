/** A job that any of several threads may do, but only one. */
export interface Claimable {
  /** One number in shared memory, 1 once a thread has claimed the job with {@link claim}. Without it, only the receiving thread may do the job. */
  readonly claim?: Int32Array | undefined;
}

/** Claims a job. @returns true if the caller now owns the job, false if another thread does */
export const claim = ({ claim: flag }: Claimable): boolean =>
  flag === undefined || Atomics.compareExchange(flag, 0, 0, 1) === 0;

/** Whether a thread has claimed the job. */
export const isClaimed = ({ claim: flag }: Claimable): boolean => flag === undefined || Atomics.load(flag, 0) !== 0;
