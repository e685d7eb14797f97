import { constants } from 'node:os';

/** A problem that the addon reports: a code and a sentence. */
export type RanksProblem = readonly [code: string, text: string] | undefined;

/** The addon that `@hookline/native-runtime` compiles from its folder `native/ranks`. */
export interface NativeRanks {
  /** Returns the version string of MPI; may be called before {@link NativeRanks.join}. */
  version(): string;
  /** Waits synchronously for all ranks. @param limit seconds that an operation may wait; 0 means without limit */
  join(
    limit: number,
  ):
    | { readonly rank: number; readonly size: number; readonly localRank: number; readonly localSize: number }
    | RanksProblem;
  /** Runs a host operation on its own thread. */
  run(
    kind: HostOperation,
    root: number,
    bytes: Uint8Array,
    what: string,
  ): Promise<{ readonly problem: RanksProblem; readonly buffers: readonly ArrayBuffer[] }>;
  /** Sums over all ranks in place and multiplies by `scale`; it blocks. */
  reduce(numbers: Float32Array, scale: number): RanksProblem;
  /** Registers the op with TensorFlow. @returns the problem, or an empty string */
  registerOp(framework: string): string;
  /** Sets whether the op communicates; otherwise it is the identity. */
  communicate(value: boolean): void;
  /**
   * Milliseconds spent in the steps' all-reduces since the last call, including waiting, and the number of all-reduces.
   */
  spent(): readonly [milliseconds: number, calls: number];
  /** Ranks whose own values were infinite or NaN in all-reduces since the last host operation. */
  notFinite(): readonly number[];
  /** Makes the other ranks' all-reduces fail until the next host operation. */
  leaveStep(): void;
  /** The problem after which no operation works any more, or else the problem of the last all-reduce. */
  fault(): RanksProblem;
  /** Ends MPI. @param grace seconds that the other ranks have to end as well */
  finalize(grace: number): RanksProblem;
  abort(status: number): never;
  /**
   * Like {@link NativeRanks.abort}, at the end of this process: Node prints an uncaught error only after all its own
   * listeners have run.
   */
  abortAtExit(status: number): void;
}

/** The codes of the operations, as in `native/ranks/world.h`. */
export const HostOperation = Object.freeze({ barrier: 1, broadcast: 2, gather: 3, sum: 4, max: 5, min: 6 });
export type HostOperation = (typeof HostOperation)[keyof typeof HostOperation];

/**
 * Loads the addon with global symbols. MPI's own plug-ins look up MPI's functions in the whole process, and Node's
 * default would hide them.
 *
 * @throws what the system's loader raises, for example when libmpi is not found
 */
export function loadRanksAddon(path: string): NativeRanks {
  const module = { exports: {} };
  const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen;
  process.dlopen(module, path, RTLD_NOW | RTLD_GLOBAL);
  return module.exports as NativeRanks;
}
