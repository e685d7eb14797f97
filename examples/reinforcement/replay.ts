import { type RandomStream, type ResumableData } from 'hookline';
import { COLUMNS, type Field, ROWS } from './catch.ts';

/** One move: the field before it, the move, and its result. */
export interface Transition {
  readonly before: Field;
  readonly move: number;
  readonly reward: number;
  readonly after: Field;
  readonly isOver: boolean;
}

/** Length of a field's encoding for the net: paddle, column, row and drift, each one-hot. */
export const INPUTS = COLUMNS + COLUMNS + ROWS + 3;

/** Encodes fields for the net. @returns float32 data of shape [fields, INPUTS] */
export function describe(fields: readonly Field[]): { readonly data: Float32Array; readonly shape: [number, number] } {
  const data = new Float32Array(fields.length * INPUTS);
  fields.forEach(({ paddle, column, row, drift }, index) => {
    const places = [paddle, COLUMNS + column, 2 * COLUMNS + row, 2 * COLUMNS + ROWS + 1 + drift];
    for (const place of places) data[index * INPUTS + place] = 1;
  });
  return { data, shape: [fields.length, INPUTS] };
}

/** How many numbers a transition has in the memory and in checkpoints. */
const SIZE = 11;

/** The replay memory: it keeps the latest moves and draws random batches from them. */
export class Replay implements ResumableData {
  readonly #moves: Int8Array;
  readonly #random: RandomStream;
  readonly #batchSize: number;
  /** Number of moves added so far, including overwritten ones. */
  #added = 0;

  constructor(capacity: number, batchSize: number, random: RandomStream) {
    this.#moves = new Int8Array(capacity * SIZE);
    this.#batchSize = batchSize;
    this.#random = random;
  }

  /** Number of moves in the memory. */
  get length(): number {
    return Math.min(this.#added, this.#moves.length / SIZE);
  }

  add({ before, move, reward, after, isOver }: Transition): void {
    const start = (this.#added % (this.#moves.length / SIZE)) * SIZE;
    this.#moves.set([...numbers(before), move, reward, ...numbers(after), Number(isOver)], start);
    this.#added++;
  }

  *[Symbol.iterator](): Generator {
    for (;;) {
      const picked = Array.from({ length: this.#batchSize }, () => this.#random.int(this.length) * SIZE);
      const column = (place: number): Float32Array =>
        Float32Array.from(picked, (start) => this.#moves[start + place] ?? 0);
      const fields = (place: number) => describe(picked.map((start) => field(this.#moves.subarray(start + place))));
      yield {
        before: fields(0),
        move: Int32Array.from(column(4)),
        reward: column(5),
        after: fields(6),
        isOver: column(10),
      };
    }
  }

  // The engine asks for this position in every step, so it does not contain the moves; the player saves them (see player.ts).
  state(): number {
    return 0;
  }

  restore(): void {
    // Nothing to restore: the random stream, which is saved with the run, determines the position.
  }

  save(): { readonly added: number; readonly moves: string } {
    const { buffer, byteOffset } = this.#moves;
    return { added: this.#added, moves: Buffer.from(buffer, byteOffset, this.length * SIZE).toString('base64') };
  }

  load({ added, moves }: ReturnType<Replay['save']>): void {
    this.#moves.set(new Int8Array(Buffer.from(moves, 'base64')));
    this.#added = added;
  }
}

const numbers = ({ paddle, column, row, drift }: Field): number[] => [paddle, column, row, drift];

function field([paddle = 0, column = 0, row = 0, drift = 0]: Int8Array): Field {
  return { paddle, column, row, drift };
}
