import { readFile } from 'node:fs/promises';
import { Plateau, type PlateauOptions } from './plateau.ts';

interface Vectors {
  readonly learningRate: number;
  readonly options: readonly string[];
  readonly cases: readonly (readonly [
    options: readonly (string | number)[],
    values: string,
    reductions: readonly (readonly [index: number, rate: number])[],
  ])[];
}

const make = (options: Partial<PlateauOptions> = {}) =>
  new Plateau({
    mode: 'max',
    factor: 0.5,
    patience: 1,
    threshold: 0,
    thresholdMode: 'rel',
    cooldown: 0,
    minLr: 0,
    epsilon: 0,
    ...options,
  });
/** The numbers of the values at which the factor became smaller. */
const feed = (plateau: Plateau, values: readonly number[], base = 1): number[] =>
  values.flatMap((value, index) => (plateau.take(value, base) ? [index] : []));

describe('Plateau', () => {
  it("reduces when and to what torch's ReduceLROnPlateau does, over 200 histories", async () => {
    const file = new URL('./torch-vectors.test.fixture.json', import.meta.url);
    const { cases, options: names, learningRate } = JSON.parse(await readFile(file, 'utf8')) as Vectors;
    expect(cases).toHaveLength(200);
    for (const [number, [given, values, wanted]] of cases.entries()) {
      const options = Object.fromEntries(names.map((name, at) => [name, given[at]]));
      const plateau = new Plateau(options as unknown as PlateauOptions);
      const found = values
        .split(' ')
        .flatMap((value, index) =>
          plateau.take(Number(value.replace('inf', 'Infinity')), learningRate)
            ? [{ index, rate: learningRate * plateau.state.factor }]
            : [],
        );
      expect({ number, at: found.map(({ index }) => index) }).toEqual({ number, at: wanted.map(([index]) => index) });
      // Torch multiplies rates one after the other, this plugin factors: equal but for rounding.
      for (const [at, [, rate]] of wanted.entries())
        expect(Math.abs((found[at]?.rate ?? Number.NaN) / rate - 1)).toBeLessThan(1e-14);
    }
  });

  it('lets patience many values pass, unlike early stopping and Keras, which act on the last of them', () => {
    expect(feed(make({ patience: 2 }), [1, 1, 1, 1, 1, 1, 1])).toEqual([3, 6]);
    expect(feed(make({ patience: 0 }), [1, 1, 2, 2])).toEqual([1, 3]);
  });

  it('does not count what comes in the cooldown, and takes a best value from it', () => {
    const plateau = make({ patience: 0, cooldown: 2 });
    expect(feed(plateau, [1, 1, 5, 4, 4])).toEqual([1, 4]);
    expect(plateau.state.best).toBe(5);
  });

  it('keeps to the minimum and leaves out what would hardly be a reduction', () => {
    const plateau = make({ patience: 0, minLr: 0.3 });
    expect(feed(plateau, [1, 1, 1, 1])).toEqual([1, 2]);
    expect(plateau.state.factor).toBe(0.3);
    expect(feed(make({ patience: 0, factor: 0.9, epsilon: 0.2 }), [1, 1, 1])).toEqual([]);
  });

  it('takes NaN and infinities for values that are no better', () => {
    const plateau = make({ mode: 'min', patience: 1 });
    expect(feed(plateau, [Number.NaN, -Infinity, 3, Infinity, Number.NaN])).toEqual([1, 4]);
    expect(plateau.state.best).toBe(3);
  });
});
