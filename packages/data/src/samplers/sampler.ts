import { HooklineError } from '@hookline/core';

/** Defines the order of the samples of a data set, epoch by epoch. Equal calls give equal orders. */
export interface Sampler {
  /** Whether batches continue into the next epoch: true for training, false for evaluation. */
  readonly infinite: boolean;
  /** Number of samples in each epoch of an endless sampler, if all epochs have the same number. Epochs are counted by it. */
  readonly epochSize?: number;
  /** The indices of the samples that this process takes in an epoch, in order. They depend only on seed and epoch. */
  epoch(epoch: number): Uint32Array;
}

/** Selects the part of the samples that a process (a rank) takes if several share the work. */
export interface Shard {
  /** 0 to `world` - 1. @default 0 */
  readonly rank?: number;
  /** Number of processes: the number of ranks, which MPI calls the size of the world. @default 1 */
  readonly world?: number;
}

/** @throws HooklineError `HKL_SAMPLER_OPTION` unless `holds` */
export function requireSampler(holds: boolean, sampler: string, requirement: string): void {
  if (holds) return;
  throw new HooklineError('HKL_SAMPLER_OPTION', requirement, { who: sampler, fix: 'Correct the argument' });
}

/**
 * @param least smallest allowed size: 1 for samplers without end
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

/** Every `world`-th element of `order`, whose first element has the place `start` in an endless sequence. */
export function stride(order: Uint32Array, start: number, { rank = 0, world = 1 }: Shard): Uint32Array {
  if (world === 1) return order;
  const first = (((rank - start) % world) + world) % world;
  return order.filter((_, place) => place % world === first);
}
