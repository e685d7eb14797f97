import nodeCrypto from 'node:crypto';
import tf from '#tfjs';
import { loadNativeBackend } from '../device/load-native.ts';
import { isAuditRun } from '../session/step-cache.ts';
import { expectSame, inputs, trainBoth, trainKind, type Trial } from './capture-fixture.test.support.ts';

beforeAll(async () => {
  await loadNativeBackend(true);
});
afterEach(() => tf.disposeVariables());

/** A trial whose batches hold a plain value; the loss multiplies the prediction by `factor(value)`. */
const withValue = (value: (iteration: number) => unknown, factor: (value: never) => number) => (): Trial => ({
  batch: (iteration) => ({ ...inputs(iteration), meta: { value: value(iteration) } }),
  losses: (prediction, { meta }) =>
    prediction
      .mul(factor((meta as { value: never }).value))
      .square()
      .mean() as tf.Scalar,
});

describe('plain values in a batch', () => {
  it.each<[string, (iteration: number) => unknown, (value: never) => number]>([
    ['a number', (i) => (i < 3 ? 1 : 2), (value: number) => value],
    ['a number that comes and goes', (i) => (i % 3 === 1 ? 0.5 : 0.25), (value: number) => value],
    ['a boolean', (i) => i % 4 === 2, (value: boolean) => (value ? 2 : 1)],
    ['a string', (i) => (i < 5 ? 'noisy' : 'clean'), (value: string) => (value === 'noisy' ? 0.5 : 1)],
    ['null', (i) => (i % 2 === 0 ? null : 3), (value: number | null) => value ?? 1],
    ['one that is missing', (i) => (i % 2 === 0 ? undefined : 3), (value: number | undefined) => value ?? 1],
    ['a number in an array', (i) => [1, i < 6 ? 2 : 3], (value: number[]) => value[1] ?? 0],
    ['the length of an array', (i) => (i < 6 ? [1] : [1, 2]), (value: number[]) => value.length],
    ['the keys of an object', (i) => (i < 9 ? { a: 1 } : { a: 1, b: 1 }), (value: object) => Object.keys(value).length],
    [
      'the values of an object',
      (i) => (i < 9 ? { a: 1 } : { a: 1, b: 2 }),
      (value: Record<string, number>) => Object.values(value).reduce((sum, each) => sum + each),
    ],
    ['whether a key is there', (i) => (i < 9 ? {} : { a: 1 }), (value: object) => (Object.hasOwn(value, 'a') ? 2 : 1)],
    ['an object that is missing', (i) => (i < 9 ? undefined : {}), (value?: object) => (value === undefined ? 1 : 2)],
    ['a map', (i) => new Map([['a', i < 9 ? 1 : 2]]), (value: Map<string, number>) => value.get('a') ?? 0],
    ['a set', (i) => new Set([i < 9 ? 'a' : 'b']), (value: Set<string>) => (value.has('a') ? 1 : 2)],
    ['a date', (i) => new Date(i < 9 ? 1 : 2), (value: Date) => value.getTime()],
  ])('are followed: %s', async (_, value, factor) => {
    await trainBoth(withValue(value, factor));
  });

  it('do not matter where the step does not read them, or does not depend on them', async () => {
    const unread = await trainBoth(() => ({
      batch: (iteration) => ({ ...inputs(iteration), id: `image ${iteration}`, size: iteration }),
    }));
    expect(unread.numbers).toHaveLength(12 + 3 + 3);
    const make = (): Trial => ({
      batch: (iteration) => ({ ...inputs(iteration), id: iteration }),
      losses: (prediction, batch) => {
        if (!Number.isInteger({ ...batch }['id'])) throw new Error('no id');
        return prediction.square().mean();
      },
    });
    const same = await trainKind('captured', make, { steps: 50 });
    expectSame(same, await trainKind('eager', make, { steps: 50 }));
    expect(same.lines).toHaveLength(1);
  });

  it('run eagerly where they take many values, with one line that names them', async () => {
    const make = withValue(
      (i) => 1 + i / 10,
      (value: number) => value,
    );
    const captured = await trainKind('captured', make, { steps: 30, capture: 'auto' });
    expectSame(captured, await trainKind('eager', make, { steps: 30 }));
    expect(captured.lines.filter((line) => line.includes('"meta/value"'))).toHaveLength(1);
    await expect(trainKind('captured', make)).rejects.toThrow(
      /HKL_CAPTURE_HOST_VALUE.*"meta\/value", now 1.4, is no tensor.*Float32Array\.of/s,
    );
    const keys = withValue(
      (i) => ({ [`k${i}`]: 1, one: 1 }),
      (value: object) => Object.keys(value).join('').length + Number(Object.keys(value)[0]?.slice(1)),
    );
    await expect(trainKind('captured', keys)).rejects.toThrow(
      /the list of keys of the batch's "meta\/value", now .*k4.*Turn it into numbers/s,
    );
  });
});

describe('host state that a step uses', () => {
  it('is detected before a graph uses it: a counter in the loss', async () => {
    for (const period of [2, 3, 5]) {
      const make = (): Trial => {
        let n = 0;
        return {
          losses: (prediction) =>
            prediction
              .mul(1 + (++n % period))
              .square()
              .mean(),
        };
      };
      await expect(trainKind('captured', make)).rejects.toThrow('HKL_CAPTURE_HOST_VALUE');
      const auto = await trainKind('captured', make, { capture: 'auto' });
      expect(auto.lines.join('\n')).toContain('eager, since it cannot be captured');
    }
  });

  it('is detected before a graph uses it: the time, a random number, a choice by a random number', async () => {
    const uses: (() => number)[] = [
      () => (Date.now() % 2) + 1,
      () => 1 + Math.floor(Date.now() / 60_000) * 1e-9,
      () => 1 + Math.floor(new Date().getTime() / 60_000) * 1e-9,
      () => 1 + Math.floor(performance.now() / 60_000) * 1e-3,
      () => Math.random(),
      // Jest does not update named imports of Node's modules, so this call goes through the module object.
      () => 1 + nodeCrypto.randomInt(2),
      () => 1 + (crypto.getRandomValues(new Uint8Array(1))[0] as number),
    ];
    const before = { Date, now: performance.now, randomInt: nodeCrypto.randomInt, draw: crypto.getRandomValues };
    for (const use of uses) {
      const make = (): Trial => ({ losses: (prediction) => prediction.mul(use()).square().mean() });
      await expect(trainKind('captured', make)).rejects.toThrow('HKL_CAPTURE_HOST_VALUE');
    }
    expect({ Date, now: performance.now, randomInt: nodeCrypto.randomInt, draw: crypto.getRandomValues }).toEqual(
      before,
    );
  });

  it('is checked for before the first runs and then ever more rarely, even more so in a large step', () => {
    const audits = (ops: number) =>
      Array.from({ length: 9001 }, (_, runs) => runs).filter((runs) => isAuditRun(runs, ops));
    const thousands = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((k) => k * 1000);
    expect(audits(100)).toEqual([1, 2, 3, 4, 8, 16, 32, 64, 128, 256, 512, ...thousands]);
    expect(audits(26_000)).toEqual([1, 8, 64, 512, 4096, 8192]);
  });

  it('makes auto continue eagerly where no wrong step has run, and ends training where one may have', async () => {
    const changingAt = (when: number) => (): Trial => {
      const host = { factor: 1 };
      return {
        losses: (prediction) => prediction.mul(host.factor).square().mean(),
        onStep: (iteration) => (host.factor = iteration < when ? 1 : 2),
      };
    };
    // Each of the first steps is compared before it runs, so no wrong step runs here.
    const early = await trainKind('captured', changingAt(3), { capture: 'auto' });
    expectSame(early, await trainKind('eager', changingAt(3)));
    expect(early.lines.join('\n')).toContain('a number (1, then 2)');
    await expect(trainKind('captured', changingAt(6), { capture: 'auto' })).rejects.toThrow(
      // The message of the comparison and its advice appear only once.
      /^\[HKL_CAPTURE_HOST_VALUE\] the train step: a number \(1, then 2\)[^[]*\. Of the 8 steps that have run with the first of the two, the last 3 may have been wrong \(outside of any hook\)\. Give [^.]*stepScope\.input[^G]*$/,
    );
  });
});

describe('many shapes', () => {
  const shaped = (rows: (iteration: number) => number) => (): Trial => ({
    batch: (iteration) => inputs(iteration, rows(iteration)),
  });

  it('are captured where they are frequent and run eagerly where rare, with one log line and without reloading graphs', async () => {
    const make = shaped((i) => 1 + (i % 12));
    const auto = await trainKind('captured', make, { capture: 'auto', steps: 48, graphs: 4 });
    expectSame(auto, await trainKind('eager', make, { steps: 48 }));
    expect(auto.lines.filter((line) => line.includes('more than 4 shapes'))).toHaveLength(1);
    expect(auto.graphs).toEqual([0, 1, 2, 3].map((i) => [`step${i}`, 4]));
    // With required, each new shape replaces the graph of another.
    const required = await trainKind('captured', make, { steps: 24, graphs: 4 });
    expectSame(required, await trainKind('eager', make, { steps: 24 }));
    expect(required.lines.filter((line) => line.includes('more than 4 shapes'))).toHaveLength(1);
  });

  it('are all captured while their graphs are small, each loaded once', async () => {
    for (const capture of ['auto', 'required'] as const) {
      const trained = await trainKind(
        'captured',
        shaped((i) => 1 + (i % 12)),
        { capture, steps: 36 },
      );
      // On a busy machine there is a further line about how long recording takes.
      expect(trained.lines.filter((line) => line.includes('captured as'))).toHaveLength(1);
      expect(trained.graphs.map(([, runs]) => runs)).toEqual(Array<number>(12).fill(3));
    }
  });

  it('make room for one that has become frequent', async () => {
    const make = shaped((i) => (i < 8 ? 1 + (i % 2) : 3));
    const auto = await trainKind('captured', make, { capture: 'auto', steps: 40, graphs: 2 });
    expectSame(auto, await trainKind('eager', make, { steps: 40 }));
    // Eight steps have the first two shapes and fifteen run eagerly; then the third shape gets a graph.
    expect(auto.graphs).toEqual([
      ['step1', 4],
      ['step2', 40 - 8 - 15],
    ]);
  });
});
