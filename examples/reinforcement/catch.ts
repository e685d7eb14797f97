import type { RandomStream } from 'hookline';

/** Columns and rows of the field. */
export const [COLUMNS, ROWS] = [9, 9];
/** Balls of one game. */
export const BALLS = 10;
/** To the left, stay, to the right. */
export const MOVES = 3;

/** Where everything is: the paddle on the bottom row, the ball, and how far the ball moves aside with each row. */
export interface Field {
  readonly paddle: number;
  readonly column: number;
  readonly row: number;
  readonly drift: number;
}

/** What a move has led to. */
export interface Moved {
  /** 1 for a ball that was caught, -1 for one that was missed, else 0. */
  readonly reward: number;
  /** Whether the game is over. */
  readonly isOver: boolean;
}

/**
 * Ten balls fall one after the other, each with a drift of its own, and bounce off the walls; the paddle moves one column for each
 * row. Every ball can be caught: it falls as many rows as the field is wide, less one. So the best return is 10.
 */
export class CatchGame {
  field: Field;
  /** Balls that have come down. */
  balls = 0;
  readonly #random: RandomStream;

  constructor(random: RandomStream) {
    this.#random = random;
    this.field = this.#drop(random.int(COLUMNS));
  }

  /** One row further. @param move 0, 1 or 2, see {@link MOVES} */
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

/** Says which move to make. */
export type Policy = (fields: readonly Field[]) => readonly number[];

/** Goes to where the ball will come down: nothing can be better. */
export const bestPolicy: Policy = (fields) =>
  fields.map((field) => {
    let end = field;
    while (end.row < ROWS - 1) end = fallen(end);
    return 1 + Math.sign(end.column - field.paddle);
  });

/** Any move, as likely as any other. */
export const randomPolicy =
  (random: RandomStream): Policy =>
  (fields) =>
    fields.map(() => random.int(MOVES));

/** The mean return of some games, the sum of the rewards of each. */
export function meanReturn(policy: Policy, games: number, random: RandomStream): number {
  const playing = Array.from({ length: games }, (_, game) => new CatchGame(random.stream(String(game))));
  let sum = 0;
  for (let step = 0; step < BALLS * (ROWS - 1); step++) {
    const moves = policy(playing.map(({ field }) => field));
    playing.forEach((game, index) => void (sum += game.move(moves[index] ?? 1).reward));
  }
  return sum / games;
}
