import { z } from 'zod';

/** Neighbouring values of a scalar, drawn as one point. */
export interface CurvePoint {
  /** Iteration of the first of them. */
  readonly iteration: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/** Number of saved numbers per point. */
const PER_POINT = 5;

/** Schema of {@link CurveState}. */
export const curveState = z.object({
  stride: z.int().min(1),
  /** NaN before the first value. */
  last: z.union([z.number(), z.nan()]),
  points: z
    .array(z.number())
    .refine((points) => points.length % PER_POINT === 0, `must hold ${PER_POINT} numbers per point`)
    .refine(
      (points) => points.every((count, i) => i % PER_POINT !== PER_POINT - 1 || (Number.isInteger(count) && count > 0)),
      'must hold counts of at least 1',
    ),
});

/** A curve as plain numbers, five per point. */
export type CurveState = z.output<typeof curveState>;

/**
 * The history of a scalar in bounded memory. If there are too many points, neighbours are merged in pairs, so the
 * whole run stays visible. Non-finite values are ignored.
 */
export class Curve {
  readonly #limit: number;
  #points: CurvePoint[] = [];
  /** Number of values per point. */
  #stride = 1;
  #last = Number.NaN;

  /** @param limit largest number of points */
  constructor(limit = 512) {
    this.#limit = limit;
  }

  /** The points by increasing iteration. */
  get points(): readonly CurvePoint[] {
    return this.#points;
  }

  /** The newest value, not averaged. */
  get last(): number {
    return this.#last;
  }

  add(iteration: number, value: number): void {
    if (!Number.isFinite(value)) return;
    this.#last = value;
    const open = this.#points.at(-1);
    if (open !== undefined && open.count < this.#stride && iteration >= open.iteration) {
      this.#points[this.#points.length - 1] = merge(open, { iteration, mean: value, min: value, max: value, count: 1 });
      return;
    }
    this.#points.push({ iteration, mean: value, min: value, max: value, count: 1 });
    if (open !== undefined && iteration < open.iteration) this.#points.sort((a, b) => a.iteration - b.iteration);
    if (this.#points.length > this.#limit) this.#halve();
  }

  state(): CurveState {
    const points = this.#points.flatMap(({ iteration, mean, min, max, count }) => [iteration, mean, min, max, count]);
    return { stride: this.#stride, last: this.#last, points };
  }

  static restore({ stride, last, points }: CurveState, limit?: number): Curve {
    const curve = new Curve(limit);
    curve.#stride = stride;
    curve.#last = last;
    for (let i = 0; i < points.length; i += PER_POINT) {
      const [iteration = 0, mean = 0, min = 0, max = 0, count = 1] = points.slice(i, i + PER_POINT);
      curve.#points.push({ iteration, mean, min, max, count });
    }
    while (curve.#points.length > curve.#limit) curve.#halve();
    return curve;
  }

  #halve(): void {
    const halved: CurvePoint[] = [];
    for (let i = 0; i < this.#points.length; i += 2) {
      const [first, second] = [this.#points[i], this.#points[i + 1]];
      if (first !== undefined) halved.push(second === undefined ? first : merge(first, second));
    }
    this.#points = halved;
    this.#stride *= 2;
  }
}

function merge(a: CurvePoint, b: CurvePoint): CurvePoint {
  const count = a.count + b.count;
  return {
    iteration: a.iteration,
    mean: a.mean + ((b.mean - a.mean) * b.count) / count,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
    count,
  };
}
