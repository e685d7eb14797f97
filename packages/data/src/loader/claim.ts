/** A job that several threads may take. */
export interface Claimable {
  /** One number in shared memory: 1 once somebody has begun with it; see {@link claim}. Without it nobody else may. */
  readonly claim?: Int32Array | undefined;
}

/** Takes a job that nobody has begun. @returns whether it is the caller's now */
export const claim = ({ claim: flag }: Claimable): boolean =>
  flag === undefined || Atomics.compareExchange(flag, 0, 0, 1) === 0;

/** Whether somebody has begun with it. */
export const isClaimed = ({ claim: flag }: Claimable): boolean => flag === undefined || Atomics.load(flag, 0) !== 0;
