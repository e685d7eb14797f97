import { randomInt } from 'node:crypto';
import { defineService, type ServiceRef } from '../container/service-ref.ts';

/** How {@link Communicator.allReduce} combines the numbers of the ranks, element by element. */
export type ReduceOperation = 'sum' | 'mean' | 'max' | 'min';

/**
 * The processes that train together, the ranks, and their collective operations (detectron2's `comm`).
 *
 * Nearly every operation is collective: each rank has to call it, in the same order as the others. None blocks the
 * event loop. Where the ranks call different operations, these fail on all ranks (`HKL_RANKS_DISAGREE`). A wait that
 * lasts longer than the time limit of ranks ends with `HKL_RANK_SILENT`, which names the missing ranks and what was
 * waited for. After that every further operation except {@link Communicator.abort} fails at once.
 *
 * In a single process every operation is the identity.
 */
export interface Communicator {
  /** The number of this process among all ranks, from 0. */
  readonly rank: number;
  /** How many ranks there are; 1 in a single process. */
  readonly size: number;
  /** The number of this process among those of its machine, from 0. */
  readonly localRank: number;
  /** How many of the processes run on this machine. */
  readonly localSize: number;

  /**
   * Waits until all ranks are here.
   *
   * @param what for messages: what the ranks wait for, such as `the checkpoint of iteration 100`; the same on all ranks
   */
  barrier(what?: string): Promise<void>;

  /**
   * Sends the bytes of one rank to all ranks.
   *
   * @param bytes those of the root; what other ranks pass is ignored
   * @param root the rank that sends. Default 0
   * @param what for messages, see {@link Communicator.barrier}
   */
  broadcast(bytes: Uint8Array | undefined, root?: number, what?: string): Promise<Uint8Array>;

  /**
   * Collects the bytes of all ranks on one rank, in the order of the ranks. They may be of any length.
   *
   * @param root the rank that receives. Default 0
   * @param what for messages, see {@link Communicator.barrier}
   * @returns undefined on the other ranks
   */
  gather(bytes: Uint8Array, root?: number, what?: string): Promise<readonly Uint8Array[] | undefined>;

  /**
   * Combines the numbers of all ranks, element by element. The result is the same on all ranks, to the bit.
   *
   * @param numbers as many on every rank; they are not changed
   * @param what for messages, see {@link Communicator.barrier}
   */
  allReduce(numbers: Float64Array, operation: ReduceOperation, what?: string): Promise<Float64Array>;

  /**
   * Tells the other ranks, which may be waiting for this one within a step, that its step has failed. Their step then
   * fails too, with `HKL_RANK_FAILED`. The operation is not collective. The engine calls it; ranks that are not within
   * a step ignore it.
   */
  leaveStep(): void;

  /**
   * Ends the processes of all ranks at once, without any clean-up, for errors that the other ranks cannot learn of
   * otherwise. A single process ends itself.
   *
   * @param status exit status, above 0
   */
  abort(status: number): never;
}

/** The communicator of a process that trains alone. */
export const singleProcess: Communicator = Object.freeze<Communicator>({
  rank: 0,
  size: 1,
  localRank: 0,
  localSize: 1,
  barrier: () => Promise.resolve(),
  broadcast: (bytes) => Promise.resolve(bytes ?? new Uint8Array(0)),
  gather: (bytes) => Promise.resolve([bytes]),
  allReduce: (numbers) => Promise.resolve(numbers.slice()),
  leaveStep: () => undefined,
  abort: (status) => process.exit(status),
});

let joined: Communicator = singleProcess;
let joinedSeed: number | undefined;
/** How many seeds have been drawn from {@link joinedSeed}. */
let drawn = 0;

const SEEDS = 2 ** 31;

/** The communicator of this process: that of the job which it has joined, else {@link singleProcess}. */
export const communicator = (): Communicator => joined;

/**
 * Sets the communicator of the process. Code that joins the ranks of a job calls it before any trainer is made.
 *
 * @param seed a whole number from 0, the same on all ranks, from which {@link drawSeed} derives its seeds
 * @returns the function that restores the communicator from before
 */
export function useCommunicator(ranks: Communicator, seed?: number): () => void {
  const before = { joined, joinedSeed, drawn };
  [joined, joinedSeed, drawn] = [ranks, seed, 0];
  return () => {
    ({ joined, joinedSeed, drawn } = before);
  };
}

/** Draws a seed for a run that is given none: a new one each time, the same on all ranks. */
export const drawSeed = (): number => (joinedSeed === undefined ? randomInt(SEEDS) : (joinedSeed + drawn++) % SEEDS);

/** Gives the {@link Communicator} of the ranks that train together; in a single process one of size 1. */
export const commRef: ServiceRef<Communicator> = defineService<Communicator>('comm', {
  description: 'rank and number of the processes that train together, and what they tell each other',
});
