import type { RandomStream } from 'hookline';

/** Numbers of columns and rows of the field. */
export const [COLUMNS, ROWS] = [9, 9];
/** Number of balls in one game. */
export const BALLS = 10;
/** Number of moves: 0 goes left, 1 stays, 2 goes right. */
export const MOVES = 3;

/** The state of the game: the paddle's column on the bottom row, the ball's position, and how far the ball drifts per row. */
export interface Field {
  readonly paddle: number;
  readonly column: number;
  readonly row: number;
  readonly drift: number;
}

/** The result of a move. */
export interface Moved {
  /** 1 if a ball was caught, -1 if one was missed, otherwise 0. */
  readonly reward: number;
  /** Whether the game is over. */
  readonly isOver: boolean;
}

/**
 * Ten balls fall one after the other, each with its own drift, and bounce off the walls. The paddle moves at most one column
 * per row. Every ball can be caught, because it falls by eight rows, in which the paddle can cross the field; the best return is 10.
 */
export class CatchGame {
  field: Field;
  /** Number of balls that have reached the bottom row. */
  balls = 0;
  readonly #random: RandomStream;

  constructor(random: RandomStream) {
    this.#random = random;
    this.field = this.#drop(random.int(COLUMNS));
  }

  /** Moves the paddle and lets the ball fall by one row. @param move 0, 1 or 2, see {@link MOVES} */
  move(move: number): Moved {
    const paddle = Math.min(COLUMNS - 1, Math.max(0, this.field.paddle + move - 1));
    const field = { ...fallen(this.field), paddle };
    this.field = field;
    if (field.row < ROWS - 1) return { reward: 0, isOver: false };
    const reward = field.column === paddle ? 1 : -1;
    this.balls++;
    const isOver = this.balls === BALLS;
    if (isOver) this.balls = 0;
    this.field = this.#drop(isOver ? this.#random.int(COLUMNS) : paddle);
    return { reward, isOver };
  }

  #drop(paddle: number): Field {
    return { paddle, column: this.#random.int(COLUMNS), row: 0, drift: this.#random.int(3) - 1 };
  }
}

/** The field when the ball is one row lower. */
function fallen(field: Field): Field {
  const next = field.column + field.drift;
  const isInside = next >= 0 && next < COLUMNS;
  const drift = isInside ? field.drift : -field.drift;
  return { ...field, row: field.row + 1, drift, column: field.column + drift };
}

/** Chooses a move for each field. */
export type Policy = (fields: readonly Field[]) => readonly number[];

/** The optimal policy: it moves to where the ball will come down. */
export const bestPolicy: Policy = (fields) =>
  fields.map((field) => {
    let end = field;
    while (end.row < ROWS - 1) end = fallen(end);
    return 1 + Math.sign(end.column - field.paddle);
  });

/** Chooses all moves with equal probability. */
export const randomPolicy =
  (random: RandomStream): Policy =>
  (fields) =>
    fields.map(() => random.int(MOVES));

/** The mean return over several games; the return of a game is the sum of its rewards. */
export function meanReturn(policy: Policy, games: number, random: RandomStream): number {
  const playing = Array.from({ length: games }, (_, game) => new CatchGame(random.stream(String(game))));
  let sum = 0;
  for (let step = 0; step < BALLS * (ROWS - 1); step++) {
    const moves = policy(playing.map(({ field }) => field));
    playing.forEach((game, index) => void (sum += game.move(moves[index] ?? 1).reward));
  }
  return sum / games;
}
