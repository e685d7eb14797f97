import { constants } from 'node:os';

/** What the addon says is wrong: a code and a sentence. */
export type RanksProblem = readonly [code: string, text: string] | undefined;

/** The addon that `@hookline/native-runtime` compiles from its `native/ranks`. */
export interface NativeRanks {
  /** What MPI says of itself; may be called before {@link NativeRanks.join}. */
  version(): string;
  /** Waits for all ranks, synchronously. @param limit seconds that an operation may wait; 0 for ever */
  join(
    limit: number,
  ):
    | { readonly rank: number; readonly size: number; readonly localRank: number; readonly localSize: number }
    | RanksProblem;
  /** An operation of the host, on a thread of its own. */
  run(
    kind: HostOperation,
    root: number,
    bytes: Uint8Array,
    what: string,
  ): Promise<{ readonly problem: RanksProblem; readonly buffers: readonly ArrayBuffer[] }>;
  /** Sums over all ranks, times `scale`, in place; blocks. */
  reduce(numbers: Float32Array, scale: number): RanksProblem;
  /** Gives TensorFlow the op. @returns what is wrong, or an empty string */
  registerOp(framework: string): string;
  /** Whether the op communicates; else it is the identity. */
  communicate(value: boolean): void;
  /** Milliseconds in all-reduces of steps since the last call, waiting among them, and how many there were. */
  spent(): readonly [milliseconds: number, calls: number];
  /** Numbers of the ranks whose own numbers were infinite or NaN in all-reduces since the last operation of the host. */
  notFinite(): readonly number[];
  /** Lets all-reduces of the other ranks fail until the next operation of the host. */
  leaveStep(): void;
  /** What no operation works any more after, else what the last all-reduce failed with. */
  fault(): RanksProblem;
  /** Ends MPI. @param grace seconds that the other ranks may take to end as well */
  finalize(grace: number): RanksProblem;
  abort(status: number): never;
  /** As {@link NativeRanks.abort}, when this process ends: Node writes what an error says after all its own listeners have run. */
  abortAtExit(status: number): void;
}

/** Numbers of the operations, as in `native/ranks/world.h`. */
export const HostOperation = Object.freeze({ barrier: 1, broadcast: 2, gather: 3, sum: 4, max: 5, min: 6 });
export type HostOperation = (typeof HostOperation)[keyof typeof HostOperation];

/**
 * Loads the addon. MPI's own plug-ins look for MPI's functions in the whole process, where Node alone would not show them.
 *
 * @throws what the system's loader raises, as where libmpi is not found
 */
export function loadRanksAddon(path: string): NativeRanks {
  const module = { exports: {} };
  const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen;
  process.dlopen(module, path, RTLD_NOW | RTLD_GLOBAL);
  return module.exports as NativeRanks;
}
