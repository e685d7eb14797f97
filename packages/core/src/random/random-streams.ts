import { HooklineError } from '../errors.ts';
import { isPlainObject } from '../plain-object.ts';
import { RandomStream } from './random-stream.ts';

/** The state of random streams, as plain JSON: with it they continue where they were. */
export interface RandomStreamsState {
  readonly seed: number;
  /** Words drawn so far, by path of the stream; a stream that has drawn nothing may be absent. */
  readonly positions: Readonly<Record<string, number>>;
}

/**
 * The random streams of a run, one per name. A stream's numbers depend on the seed, its name and its own position, so
 * adding a stream, or drawing from one, changes no other.
 */
export class RandomStreams {
  readonly #streams = new Map<string, RandomStream>();
  /** Positions, from a restored state, of streams that nobody has asked for yet. */
  readonly #awaited = new Map<string, number>();
  #seed: number;
  /** Checks the seed and opens all others; nobody draws from it. */
  readonly #root: RandomStream;
  /** Where the streams stood when the iteration in progress began. */
  #mark: { readonly iteration: number; readonly positions: ReadonlyMap<string, number> } | undefined;

  /** @param seed any integer that a double holds exactly */
  constructor(seed: number) {
    this.#seed = seed;
    this.#root = new RandomStream(seed, '', (path) => this.#open(path));
    this.#streams.set('', this.#root);
  }

  get seed(): number {
    return this.#seed;
  }

  /** The stream of this name, the same object each time. `stream('a/b')` is `stream('a').stream('b')`. */
  stream(name: string): RandomStream {
    return this.#root.stream(name);
  }

  /** Remembers the positions of the streams at the beginning of the step of `iteration`. */
  mark(iteration: number): void {
    const positions = new Map<string, number>();
    for (const [path, { position }] of this.#streams) if (position > 0) positions.set(path, position);
    this.#mark = { iteration, positions };
  }

  /** Whether a step has begun beyond the first `done` ones. */
  isWithinStep(done: number): boolean {
    return this.#mark !== undefined && this.#mark.iteration >= done;
  }

  /** The state after `done` iterations, also where the next iteration has begun and has drawn numbers. */
  stateAt(done: number): RandomStreamsState {
    return this.#mark !== undefined && this.isWithinStep(done) ? this.#stateOf(this.#mark.positions) : this.state();
  }

  /** The state of every stream, also of those restored and not yet asked for. */
  state(): RandomStreamsState {
    const positions = new Map<string, number>();
    for (const [path, { position }] of this.#streams) if (position > 0) positions.set(path, position);
    return this.#stateOf(positions);
  }

  #stateOf(drawn: ReadonlyMap<string, number>): RandomStreamsState {
    const positions = new Map([...this.#awaited, ...drawn]);
    return { seed: this.#seed, positions: Object.fromEntries([...positions].sort(([a], [b]) => (a < b ? -1 : 1))) };
  }

  /**
   * Moves every stream to its position in `state` and gives it the seed of `state`. That holds for streams that were
   * handed out before and for those that are asked for later. Streams that the state does not name are at their
   * beginning.
   *
   * @throws HKL_RANDOM_STATE when `state` is not what `state()` gave; nothing is changed then
   */
  restore(state: RandomStreamsState): void {
    const { seed, positions } = checkedStreams(state);
    this.#seed = seed;
    this.#awaited.clear();
    this.#mark = undefined;
    for (const stream of this.#streams.values()) stream.reseed(seed);
    for (const [path, position] of Object.entries(positions)) {
      const stream = this.#streams.get(path);
      if (stream === undefined) this.#awaited.set(path, position);
      else stream.position = position;
    }
  }

  #open(path: string): RandomStream {
    let stream = this.#streams.get(path);
    if (stream === undefined) {
      stream = new RandomStream(this.#seed, path, (child) => this.#open(child));
      stream.position = this.#awaited.get(path) ?? 0;
      this.#awaited.delete(path);
      this.#streams.set(path, stream);
    }
    return stream;
  }
}

/**
 * Checks the state of random streams.
 * @throws HKL_RANDOM_STATE, with the field, when `state` is not what `RandomStreams.state()` gave
 */
export function checkedStreams(state: unknown): RandomStreamsState {
  const fields: { readonly seed?: unknown; readonly positions?: unknown } = isPlainObject(state) ? state : {};
  const { seed, positions } = fields;
  if (!isInteger(seed)) throw invalidState('seed');
  if (!isPlainObject(positions)) throw invalidState('positions');
  const checked = Object.entries(positions).map(([path, position]) => {
    if (!isInteger(position) || position < 0) throw invalidState(`positions.${path}`);
    return [path, position] as const;
  });
  return { seed, positions: Object.fromEntries(checked) };
}

const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);

function invalidState(field: string): HooklineError {
  return new HooklineError('HKL_RANDOM_STATE', 'this is no state of random streams', {
    who: 'random streams',
    where: `field "${field}"`,
    fix: 'Restore what state() gave: an integer seed, and for each stream the count of words drawn',
  });
}
