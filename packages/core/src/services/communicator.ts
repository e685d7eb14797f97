import { randomInt } from 'node:crypto';
import { defineService, type ServiceRef } from '../container/service-ref.ts';

/** How {@link Communicator.allReduce} puts the numbers of the ranks together, place by place. */
export type ReduceOperation = 'sum' | 'mean' | 'max' | 'min';

/**
 * The processes that train together, its ranks, and what they can tell each other (detectron2's `comm`).
 *
 * Nearly every operation is one of all ranks: each has to call it, in the same order as the others. None blocks the event loop. Where the
 * ranks call different operations, all of them are told (`HKL_RANKS_DISAGREE`). A wait that lasts longer than the time limit of ranks
 * ends with `HKL_RANK_SILENT`, which names the ranks that did not come and what was waited for; after that only
 * {@link Communicator.abort} is left, and every further operation fails at once.
 *
 * In a single process every operation is the identity.
 */
export interface Communicator {
  /** The number of this process, from 0. */
  readonly rank: number;
  /** How many processes there are; 1 in a process of its own. */
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
   * The bytes of one rank, on all ranks.
   *
   * @param bytes those of the root; what other ranks give is not looked at
   * @param root whose bytes they are. Default 0
   * @param what for messages, see {@link Communicator.barrier}
   */
  broadcast(bytes: Uint8Array | undefined, root?: number, what?: string): Promise<Uint8Array>;

  /**
   * The bytes of all ranks on one rank, in the order of the ranks; they may be of any length.
   *
   * @param root who is given them. Default 0
   * @param what for messages, see {@link Communicator.barrier}
   * @returns undefined on the other ranks
   */
  gather(bytes: Uint8Array, root?: number, what?: string): Promise<readonly Uint8Array[] | undefined>;

  /**
   * Puts the numbers of all ranks together, place by place; the result is equal on all ranks to the bit.
   *
   * @param numbers as many on every rank; they are not changed
   * @param what for messages, see {@link Communicator.barrier}
   */
  allReduce(numbers: Float64Array, operation: ReduceOperation, what?: string): Promise<Float64Array>;

  /**
   * Tells the other ranks, which may wait for this one within a step, that its step has failed: their step then fails too, with
   * `HKL_RANK_FAILED`. It is no operation of all ranks; the engine calls it, and ranks that are not within a step take no notice.
   */
  leaveStep(): void;

  /**
   * Ends the processes of all ranks at once, without any clean-up: for errors that the other ranks cannot be told otherwise.
   * In a single process it ends that one.
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
/** Seeds that were drawn of {@link joinedSeed}. */
let drawn = 0;

const SEEDS = 2 ** 31;

/** The communicator of this process: that of the ranks which it has joined, else {@link singleProcess}. */
export const communicator = (): Communicator => joined;

/**
 * For what joins the ranks of a job, before any trainer is made: from now on this is the communicator of the process.
 *
 * @param seed a whole number from 0 that all ranks have alike, from which {@link drawSeed} draws
 * @returns the function that makes the one before it the process's again
 */
export function useCommunicator(ranks: Communicator, seed?: number): () => void {
  const before = { joined, joinedSeed, drawn };
  [joined, joinedSeed, drawn] = [ranks, seed, 0];
  return () => {
    ({ joined, joinedSeed, drawn } = before);
  };
}

/** A seed for a run that is given none, another one each time; all ranks draw the same. */
export const drawSeed = (): number => (joinedSeed === undefined ? randomInt(SEEDS) : (joinedSeed + drawn++) % SEEDS);

export const commRef: ServiceRef<Communicator> = defineService<Communicator>('comm', {
  description: 'rank and number of the processes that train together, and what they tell each other',
});
