import { readFile } from 'node:fs/promises';
import { Patience } from './patience.ts';

/** Feeds values by iteration, and returns the number of the value at which the patience was exhausted. */
const feed = (patience: Patience, values: readonly number[], from = 0): number | undefined => {
  for (const [i, value] of values.entries())
    if (patience.stopCause({ value, iteration: from + i }) !== undefined) return from + i;
  return undefined;
};
const make = (options: Partial<ConstructorParameters<typeof Patience>[0]> = {}) =>
  new Patience({ mode: 'max', patience: 2, minDelta: 0, ...options });

/** One history of the fixture; the last three entries are the number of the value that ends it. */
type Case = readonly [
  mode: 'max' | 'min',
  patience: number,
  minDelta: number,
  values: string,
  keras: number | null,
  lightning: number | null,
  strictLightning: number | null,
];

/** What the fixture holds besides: each the number of the value that ends it, by Keras and by Lightning. */
type BaselineCase = readonly [
  mode: 'max' | 'min',
  patience: number,
  minDelta: number,
  values: string,
  baseline: number,
  keras: number | null,
];
type ThresholdCase = readonly [
  mode: 'max' | 'min',
  patience: number,
  minDelta: number,
  values: string,
  stoppingThreshold: number | null,
  divergenceThreshold: number | null,
  lightning: number | null,
];

const fixture = JSON.parse(
  await readFile(new URL('./keras-and-lightning.test.fixture.json', import.meta.url), 'utf8'),
) as {
  readonly cases: readonly Case[];
  readonly baselines: readonly BaselineCase[];
  readonly thresholds: readonly ThresholdCase[];
};
const numbers = (text: string): number[] => text.split(' ').map((value) => Number(value.replace('inf', 'Infinity')));

describe('Patience', () => {
  it('is over after so many values in a row that are not better', () => {
    expect(feed(make(), [1, 2, 2, 1, 5])).toBe(3);
    expect(feed(make(), [1, 1, 2, 2, 3, 3, 4])).toBeUndefined();
    expect(feed(make({ patience: 1 }), [1, 1])).toBe(1);
  });

  it('goes down with mode min', () => {
    const patience = make({ mode: 'min' });
    expect(feed(patience, [3, 1, 2, 1])).toBe(3);
    expect(patience.best).toEqual({ value: 1, iteration: 1 });
  });

  it('asks for more than minDelta, measured from the best', () => {
    expect(feed(make({ minDelta: 0.5 }), [1, 1.5, 1.25])).toBe(2);
    expect(feed(make({ minDelta: 0.5 }), [1, 1.25, 1.625, 2])).toBeUndefined();
    expect(feed(make({ mode: 'min', minDelta: 0.5 }), [1, 0.5, 0.75])).toBe(2);
  });

  it('takes NaN and infinities for values that are not better', () => {
    expect(feed(make(), [Number.NaN, Infinity])).toBe(1);
    const patience = make();
    expect(feed(patience, [Number.NaN, 1, Infinity])).toBeUndefined();
    expect(patience.best).toEqual({ value: 1, iteration: 1 });
  });

  it("is over at the value at which Keras's and Lightning's EarlyStopping stop, over 100 histories", () => {
    const { cases } = fixture;
    expect(cases).toHaveLength(100);
    for (const [number, [mode, limit, minDelta, text, keras, lightning, strict]] of cases.entries()) {
      const values = numbers(text);
      const found = feed(make({ mode, patience: limit, minDelta }), values) ?? null;
      expect({ number, found }).toEqual({ number, found: keras });
      // Lightning by default also stops at the first value that is not finite, which here counts as not better.
      const hole = values.findIndex((value) => !Number.isFinite(value));
      expect(lightning).toBe(keras);
      expect(strict).toBe(hole < 0 || (keras !== null && keras < hole) ? keras : hole);
    }
  });

  it("follows Keras's rule of a baseline, over 50 histories", () => {
    expect(fixture.baselines).toHaveLength(50);
    let differing = 0;
    for (const [number, [mode, limit, minDelta, text, baseline, keras]] of fixture.baselines.entries()) {
      const values = numbers(text);
      const found = feed(make({ mode, patience: limit, minDelta, baseline }), values) ?? null;
      expect({ number, found }).toEqual({ number, found: keras });
      if (found !== (feed(make({ mode, patience: limit, minDelta }), values) ?? null)) differing++;
    }
    expect(differing).toBeGreaterThan(10);
  });

  it("follows Lightning's thresholds, over 50 histories", () => {
    expect(fixture.thresholds).toHaveLength(50);
    const causes = new Set<string>();
    for (const [number, [mode, limit, minDelta, text, better, worse, lightning]] of fixture.thresholds.entries()) {
      const patience = make({
        mode,
        patience: limit,
        minDelta,
        stoppingThreshold: better ?? undefined,
        divergenceThreshold: worse ?? undefined,
      });
      let found: number | null = null;
      for (const [i, value] of numbers(text).entries()) {
        const cause = patience.stopCause({ value, iteration: i });
        if (cause === undefined) continue;
        causes.add(cause);
        found = i;
        break;
      }
      expect({ number, found }).toEqual({ number, found: lightning });
    }
    expect([...causes].sort()).toEqual(['divergenceThreshold', 'patience', 'stoppingThreshold']);
  });

  it('goes on from a saved state', () => {
    const first = make({ patience: 3 });
    feed(first, [5, 1, 1]);
    const second = make({ patience: 3 });
    second.restore(JSON.parse(JSON.stringify(first.state())));
    expect(feed(second, [1], 3)).toBe(3);
  });
});
