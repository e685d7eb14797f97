import { type RandomStream, type ResumableData } from 'hookline';
import { COLUMNS, type Field, ROWS } from './catch.ts';

/** One move: the field before it, what was done, what came of it. */
export interface Transition {
  readonly before: Field;
  readonly move: number;
  readonly reward: number;
  readonly after: Field;
  readonly isOver: boolean;
}

/** Numbers that describe a field to a net: one of 1 for each of paddle, column, row and drift, the others 0. */
export const INPUTS = COLUMNS + COLUMNS + ROWS + 3;

/** @returns [fields, inputs] */
export function describe(fields: readonly Field[]): { readonly data: Float32Array; readonly shape: [number, number] } {
  const data = new Float32Array(fields.length * INPUTS);
  fields.forEach(({ paddle, column, row, drift }, index) => {
    const places = [paddle, COLUMNS + column, 2 * COLUMNS + row, 2 * COLUMNS + ROWS + 1 + drift];
    for (const place of places) data[index * INPUTS + place] = 1;
  });
  return { data, shape: [fields.length, INPUTS] };
}

/** Numbers of a transition in memory and in checkpoints. */
const SIZE = 11;

/** The moves of the last games, from which training takes batches at random. */
export class Replay implements ResumableData {
  readonly #moves: Int8Array;
  readonly #random: RandomStream;
  readonly #batchSize: number;
  /** Moves that were ever added. */
  #added = 0;

  constructor(capacity: number, batchSize: number, random: RandomStream) {
    this.#moves = new Int8Array(capacity * SIZE);
    this.#batchSize = batchSize;
    this.#random = random;
  }

  /** How many moves there are to take from. */
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

  // The player saves what is in here, see player.ts: a checkpoint needs it once, and positions in data are asked for in each step.
  state(): number {
    return 0;
  }

  restore(): void {
    // The random stream, which is saved with the run, is the whole position.
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
