import { HooklineError, type Communicator, type ReduceOperation } from '@hookline/core';
import { HostOperation, type NativeRanks, type RanksProblem } from './native-ranks.ts';

const NOTHING = new Uint8Array(0);

/** The ranks of an MPI job. */
export class MpiCommunicator implements Communicator {
  readonly rank: number;
  readonly size: number;
  readonly localRank: number;
  readonly localSize: number;
  readonly #native: NativeRanks;

  constructor(native: NativeRanks, place: Pick<Communicator, 'rank' | 'size' | 'localRank' | 'localSize'>) {
    this.#native = native;
    this.rank = place.rank;
    this.size = place.size;
    this.localRank = place.localRank;
    this.localSize = place.localSize;
  }

  async barrier(what = ''): Promise<void> {
    await this.#run(HostOperation.barrier, 0, NOTHING, what);
  }

  async broadcast(bytes: Uint8Array | undefined, root = 0, what = ''): Promise<Uint8Array> {
    const given = this.rank === root ? (bytes ?? NOTHING) : NOTHING;
    return new Uint8Array(await this.#runToOne(HostOperation.broadcast, this.#checked(root), given, what));
  }

  async gather(bytes: Uint8Array, root = 0, what = ''): Promise<readonly Uint8Array[] | undefined> {
    const all = await this.#run(HostOperation.gather, this.#checked(root), bytes, what);
    return this.rank === root ? all.map((each) => new Uint8Array(each)) : undefined;
  }

  async allReduce(numbers: Float64Array, operation: ReduceOperation, what = ''): Promise<Float64Array> {
    const kind = HostOperation[operation === 'mean' ? 'sum' : operation];
    const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    const result = new Float64Array(await this.#runToOne(kind, 0, bytes, what));
    return operation === 'mean' ? result.map((value) => value / this.size) : result;
  }

  leaveStep(): void {
    this.#native.leaveStep();
  }

  abort(status: number): never {
    return this.#native.abort(status);
  }

  async #run(...operation: Parameters<NativeRanks['run']>): Promise<readonly ArrayBuffer[]> {
    const { problem, buffers } = await this.#native.run(...operation);
    if (problem !== undefined) throw ranksError(problem, this.rank);
    return buffers;
  }

  /** Runs an operation that gives every rank one buffer. */
  async #runToOne(...operation: Parameters<NativeRanks['run']>): Promise<ArrayBuffer> {
    const [buffer] = await this.#run(...operation);
    if (buffer === undefined) throw new Error('the MPI addon returned no buffer');
    return buffer;
  }

  #checked(root: number): number {
    if (Number.isInteger(root) && root >= 0 && root < this.size) return root;
    throw new HooklineError('HKL_OPTION_INVALID', `root ${root} is none of ${this.size} ranks`, {
      who: 'communicator',
      fix: `Give a number from 0 to ${this.size - 1}`,
    });
  }
}

const FIXES: Readonly<Record<string, string>> = {
  HKL_RANKS_DISAGREE:
    'Every rank must call the operations of the communicator in the same order: call none of them only where a rank, a file or a clock says so',
  HKL_RANK_FAILED: 'Its own messages say more',
  HKL_RANK_SILENT:
    'Look at what the ranks that are named write. Where they are only slow, set HOOKLINE_RANK_TIMEOUT to more seconds',
  HKL_MPI_FAILED: 'Look at what MPI and the other ranks have written',
};

/** Converts a problem that the addon reports into an error. */
export function ranksError(problem: NonNullable<RanksProblem>, rank: number): HooklineError {
  const [code, text] = problem;
  return new HooklineError(code, text, { who: `rank ${rank}`, fix: FIXES[code] });
}
