import { HooklineError } from '@hookline/core';

/** Order of the samples of a data set, epoch by epoch; the same for each call. */
export interface Sampler {
  /** Whether there is always a next epoch: true for training, false for evaluation. */
  readonly infinite: boolean;
  /** Samples of each epoch of an endless sampler, where all have equally many; it is what epochs are counted by. */
  readonly epochSize?: number;
  /** Indices of the samples of an epoch that this process takes, in order. Depends on seed and epoch alone. */
  epoch(epoch: number): Uint32Array;
}

/** Which part of the samples a process takes when several share the work. */
export interface Shard {
  /** 0 to `world` - 1. @default 0 */
  readonly rank?: number;
  /** Number of processes. @default 1 */
  readonly world?: number;
}

/** @throws HooklineError `HKL_SAMPLER_OPTION` unless `holds` */
export function requireSampler(holds: boolean, sampler: string, requirement: string): void {
  if (holds) return;
  throw new HooklineError('HKL_SAMPLER_OPTION', requirement, { who: sampler, fix: 'Mend the argument' });
}

/**
 * @param least smallest size that makes sense: 1 where epochs follow one another without end
 * @throws HooklineError `HKL_SAMPLER_OPTION`
 */
export function requireShard(sampler: string, size: number, { rank = 0, world = 1 }: Shard, least = 1): void {
  requireSampler(
    Number.isSafeInteger(size) && size >= least,
    sampler,
    `the size must be a whole number from ${least} up, not ${size}`,
  );
  const sound = Number.isInteger(rank) && Number.isInteger(world) && rank >= 0 && rank < world;
  requireSampler(sound, sampler, `rank ${rank} is not one of ${world} processes`);
}

/** Every `world`-th element of `order`, which begins at place `start` of an endless sequence. */
export function stride(order: Uint32Array, start: number, { rank = 0, world = 1 }: Shard): Uint32Array {
  if (world === 1) return order;
  const first = (((rank - start) % world) + world) % world;
  return order.filter((_, place) => place % world === first);
}
