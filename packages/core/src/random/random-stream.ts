import { createHash } from 'node:crypto';
import { HooklineError } from '../errors.ts';
import { normalQuantile } from './normal-quantile.ts';
import { philox, PHILOX_WORDS } from './philox.ts';

const TWO_32 = 0x100000000;

/** Returns the stream of a path, the same object each time. */
export type OpenStream = (path: string) => RandomStream;

/** Anything indexed whose elements can be exchanged: an array or a typed array. */
export interface Shuffled {
  readonly length: number;
  [index: number]: unknown;
}

/**
 * Random numbers that depend on seed, path and position alone.
 *
 * Each draw reads the next 32-bit words of Philox-4x32-10 under a key made of seed and path, so the position is the
 * whole state: nothing else is kept, and other streams cannot disturb this one.
 */
export class RandomStream {
  /** Name of the stream, with the names of the streams it came from before it: `loader/workers`. */
  readonly path: string;
  readonly #open: OpenStream;
  #seed: number;
  readonly #block = new Uint32Array(PHILOX_WORDS);
  #identity: Uint32Array;
  #position = 0;
  #loadedBlock = -1;

  /**
   * @param seed any integer that a double holds exactly; equal seeds give equal numbers
   * @param path name of the stream; `a/b` is the sub-stream `b` of `a`
   * @param open where sub-streams come from; by default the stream keeps them itself
   */
  constructor(seed: number, path = '', open?: OpenStream) {
    this.path = path;
    this.#seed = seed;
    this.#identity = identityOf(seed, path);
    this.#open = open ?? openFamily(seed);
  }

  /** The seed of the stream. With seed, path and position another thread draws the same numbers. */
  get seed(): number {
    return this.#seed;
  }

  /** How many 32-bit words have been drawn. Setting it moves the stream there, forwards or back. */
  get position(): number {
    return this.#position;
  }

  set position(words: number) {
    if (!Number.isSafeInteger(words) || words < 0) {
      throw new HooklineError('HKL_RANDOM_POSITION', `position ${words} is no non-negative integer`, {
        who: `random stream "${this.path}"`,
        fix: 'Set a position that was read from a stream before',
      });
    }
    this.#position = words;
  }

  /** Gives the stream another seed and moves it to position 0. */
  reseed(seed: number): void {
    this.#seed = seed;
    this.#identity = identityOf(seed, this.path);
    this.#position = 0;
    this.#loadedBlock = -1;
  }

  /** An independent sub-stream of this name, the same object each time. It draws nothing from this stream. */
  stream(name: string): RandomStream {
    return this.#open(this.#childPath(name));
  }

  /**
   * A stream equal to `stream(name)` at its beginning, but not kept, for names of which there are more and more, such
   * as one per iteration.
   */
  detached(name: string): RandomStream {
    return new RandomStream(this.#seed, this.#childPath(name));
  }

  /** The next integer in [0, 2^32). One word. */
  uint32(): number {
    const block = Math.floor(this.#position / PHILOX_WORDS);
    if (block !== this.#loadedBlock) {
      const [key0 = 0, key1 = 0, stream0 = 0, stream1 = 0] = this.#identity;
      philox(this.#block, block % TWO_32, Math.floor(block / TWO_32), stream0, stream1, key0, key1);
      this.#loadedBlock = block;
    }
    return this.#block[this.#position++ % PHILOX_WORDS] as number;
  }

  /** The next number in [0, 1), a multiple of 2^-53. Two words. */
  float(): number {
    return this.#bits53() / 2 ** 53;
  }

  /**
   * The next integer in [0, n), every one equally likely: draws that would favour small numbers are thrown away.
   * One word, or two for n above 2^32, and rarely more.
   *
   * @throws HKL_RANDOM_RANGE unless n is an integer in [1, 2^53)
   */
  int(n: number): number {
    if (!Number.isSafeInteger(n) || n < 1) {
      throw new HooklineError('HKL_RANDOM_RANGE', `int(${n}) has no range`, {
        who: `random stream "${this.path}"`,
        fix: 'Give the number of possible outcomes, an integer of at least 1',
      });
    }
    const small = n <= TWO_32;
    const range = small ? TWO_32 : 2 ** 53;
    const limit = range - (range % n);
    for (;;) {
      const drawn = small ? this.uint32() : this.#bits53();
      if (drawn < limit) return drawn % n;
    }
  }

  /** The next number of the standard normal distribution. Always two words. */
  normal(): number {
    // Half a step off the grid of 2^-52, so that neither 0 nor 1 is ever reached.
    return normalQuantile((Math.floor(this.#bits53() / 2) + 0.5) / 2 ** 52);
  }

  /** The numbers 0 to n - 1 in random order. */
  permutation(n: number): Uint32Array {
    return this.shuffle(Uint32Array.from({ length: n }, (_, i) => i));
  }

  /** Puts the elements in random order, in place, every order equally likely (Fisher and Yates). Returns its argument. */
  shuffle<T extends Shuffled>(array: T): T {
    const elements: Shuffled = array;
    for (let last = elements.length - 1; last > 0; last--) {
      const other = this.int(last + 1);
      [elements[last], elements[other]] = [elements[other], elements[last]];
    }
    return array;
  }

  /** Two signed 32-bit integers, the form in which stateless random operations of a graph take their seed. Two words. */
  seedPair(): [number, number] {
    return [this.uint32() | 0, this.uint32() | 0];
  }

  #childPath(name: string): string {
    return this.path === '' ? checkedName(name) : `${this.path}/${checkedName(name)}`;
  }

  #bits53(): number {
    const high = this.uint32() >>> 5;
    return high * 0x4000000 + (this.uint32() >>> 6);
  }
}

/** Key and upper half of the counter; 128 bits of a hash, so that no two paths meet. */
function identityOf(seed: number, path: string): Uint32Array {
  if (!Number.isSafeInteger(seed)) {
    throw new HooklineError('HKL_RANDOM_SEED', `${seed} is no seed`, {
      who: 'random streams',
      fix: 'Give an integer between -(2^53 - 1) and 2^53 - 1',
    });
  }
  // Adding 0 makes -0 the same seed as 0.
  const digest = createHash('sha256')
    .update(JSON.stringify(['hookline random stream', seed + 0, path]))
    .digest();
  return Uint32Array.from([0, 4, 8, 12], (offset) => digest.readUInt32LE(offset));
}

function openFamily(seed: number): OpenStream {
  const family = new Map<string, RandomStream>();
  const open: OpenStream = (path) => {
    let stream = family.get(path);
    if (stream === undefined) family.set(path, (stream = new RandomStream(seed, path, open)));
    return stream;
  };
  return open;
}

function checkedName(name: string): string {
  if (typeof name === 'string' && name !== '') return name;
  throw new HooklineError('HKL_RANDOM_NAME', 'a random stream needs a name that is not empty', {
    fix: 'Name it after what draws from it',
  });
}
