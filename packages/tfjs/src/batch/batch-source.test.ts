import { isHooklineError } from '@hookline/core';
import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { BatchSource, type BatchSourceOptions } from './batch-source.ts';
import { type DataSource, eachBatch } from './open-data.ts';

beforeAll(async () => {
  await selectDevice('auto');
});

const take = async (source: BatchSource, count: number): Promise<unknown[]> => {
  const batches: unknown[] = [];
  for (let i = 0; i < count; i++) batches.push((await source.next()).device.batch);
  return batches;
};

const failure = async (data: unknown, count: number, options?: BatchSourceOptions): Promise<Error> => {
  try {
    await take(new BatchSource(data as DataSource, options), count);
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
};

async function* later(): AsyncGenerator<number> {
  for (const value of [1, 2]) {
    await new Promise((resolve) => setImmediate(resolve));
    yield value;
  }
}

it.each<[string, DataSource]>([
  ['an array', [1, 2]],
  ['a set', new Set([1, 2])],
  ['a function that gives an array', () => [1, 2]],
  [
    'a generator function',
    function* () {
      yield* [1, 2];
    },
  ],
  ['an asynchronous generator function', later],
  ['an iterable object', { [Symbol.asyncIterator]: later }],
  ['a tf.data dataset', tf.data.array([1, 2])],
  ['a function that gives a tf.data dataset', () => tf.data.array([1, 2])],
])('repeats %s', async (_, data) => {
  const source = new BatchSource(data, { repeat: true });
  expect(await take(source, 5)).toEqual([1, 2, 1, 2, 1]);
  expect(source.state()).toEqual({ epoch: 2, batches: 1 });
});

it('creates no promise when the data is available', () => {
  expect(new BatchSource([1]).next()).not.toBeInstanceOf(Promise);
});

it('measures how long the data took, in seconds', async () => {
  async function* slow(): AsyncGenerator<number> {
    await new Promise((resolve) => setTimeout(resolve, 30));
    yield 1;
  }
  const { dataTime } = await new BatchSource(slow).next();
  expect(dataTime).toBeGreaterThan(0.02);
  expect(dataTime).toBeLessThan(20);
});

it.each<[string, unknown, BatchSourceOptions, string]>([
  ['HKL_DATA_EXHAUSTED', [1, 2], {}, 'the data ended after 2 batches and training wants another (epoch 0, batch 2)'],
  ['HKL_DATA_EMPTY', [], {}, 'the data holds no batch'],
  ['HKL_DATA_EMPTY', [], { repeat: true }, 'the data holds no batch'],
  ['HKL_DATA_NOT_REPEATABLE', [1, 2].values(), { repeat: true }, 'data: batches, not data: batches()'],
  ['HKL_DATA_INVALID', 5, {}, 'the data is number, which cannot be iterated'],
  ['HKL_DATA_INVALID', null, {}, 'the data is null'],
  ['HKL_DATA_INVALID', () => Promise.resolve([]), {}, 'what the data function returned is a promise'],
  ['HKL_DATA_INVALID', tf.data.array([1, 2]).iterator(), {}, 'Await it first'],
])('raises %s', async (code, data, options, message) => {
  const error = await failure(data, 3, options);
  expect(isHooklineError(error, code)).toBe(true);
  expect(error.message).toContain(message);
});

it('raises HKL_DATA_INVALID for a source of eachBatch that cannot be iterated', async () => {
  const calls: unknown[] = [];
  const done = eachBatch({} as DataSource, async (batch) => void calls.push(batch));
  await expect(done).rejects.toThrow('[HKL_DATA_INVALID] data: the data is object, which cannot be iterated');
  expect(calls).toEqual([]);
});

it.each(['synchronous', 'asynchronous'])('keeps the cause of a %s failure', async (kind) => {
  const cause = new Error('disk on fire');
  function* sync(): Generator<number> {
    yield 1;
    throw cause;
  }
  async function* async(): AsyncGenerator<number> {
    yield* sync();
  }
  const error = await failure(kind === 'synchronous' ? sync : async, 2);
  expect(error.message).toBe('[HKL_DATA_FAILED] data: reading a batch failed: disk on fire (epoch 0, batch 1).');
  expect(error.cause).toBe(cause);
});

it('leaves a source alone that is already at the position: a generator could not start again', async () => {
  const source = new BatchSource(
    (function* () {
      yield* [1, 2, 3];
    })(),
  );
  expect(await take(source, 2)).toEqual([1, 2]);
  source.restore(structuredClone(source.state()));
  expect(await take(source, 1)).toEqual([3]);
});

it('continues at its position after a restore, without a position of the data itself', async () => {
  const data = [1, 2, 3, 4, 5];
  const first = new BatchSource(data, { repeat: true });
  await take(first, 8);
  const second = new BatchSource(data, { repeat: true });
  second.restore(first.state());
  expect(second.state()).toEqual(first.state());
  expect(await take(second, 4)).toEqual(await take(first, 4));
});

it('continues with the next batch after it was closed', async () => {
  const source = new BatchSource([1, 2, 3]);
  await take(source, 1);
  await source.close();
  expect(source.state()).toEqual({ epoch: 0, batches: 1 });
  expect(await take(source, 1)).toEqual([2]);
});

it('frees the batches that it skips', async () => {
  const data = (): Iterable<unknown> => [Float32Array.of(1), Float32Array.of(2)];
  const source = new BatchSource(data);
  const before = tf.memory().numTensors;
  source.restore({ epoch: 0, batches: 1 });
  const { device } = await source.next();
  expect([...(device.batch as tf.Tensor).dataSync()]).toEqual([2]);
  expect(tf.memory().numTensors).toBe(before + 1);
});

it('uses the position of data that has one', async () => {
  const loader = () => {
    let position = 0;
    return {
      *[Symbol.iterator](): Generator<number> {
        for (;;) yield position++;
      },
      state: () => ({ position }),
      restore: (state: unknown) => {
        ({ position } = state as { position: number });
      },
    };
  };
  const first = new BatchSource(loader());
  await take(first, 3);
  expect(first.state()).toEqual({ epoch: 0, batches: 3, source: { position: 3 } });
  const second = new BatchSource(loader());
  second.restore(first.state());
  expect(await take(second, 2)).toEqual([3, 4]);
  expect(second.state().batches).toBe(5);
});

it('uses other data from the next batch on', async () => {
  let closed = false;
  function* old(): Generator<number> {
    try {
      for (;;) yield 1;
    } finally {
      closed = true;
    }
  }
  const source = new BatchSource(old);
  await take(source, 2);
  source.reset(() => [7]);
  expect(await take(source, 1)).toEqual([7]);
  expect(closed).toBe(true);
  expect(source.state()).toEqual({ epoch: 0, batches: 1 });
});

it('leaves tensors in an array alone, so that it can be repeated, and frees those of other sources', async () => {
  const x = tf.ones([1]);
  const array = new BatchSource([x], { repeat: true });
  for (let i = 0; i < 2; i++) expect((await array.next()).device.owned).toEqual([]);
  const generated = new BatchSource(() => new Set([x]));
  expect((await generated.next()).device.owned).toEqual([x]);
  expect((await new BatchSource(() => new Set([x]), { tensors: 'borrow' }).next()).device.owned).toEqual([]);
});

const COUNTS = {
  array: 100_000,
  generator: 100_000,
  'generator in a function': 100_000,
  'asynchronous generator': 20_000,
};
it.each(Object.entries(COUNTS))('goes on far into plain data: %s, at batch %d', async (kind, count) => {
  function* numbers(): Generator<number> {
    for (let i = 0; i <= count; i++) yield i;
  }
  async function* asyncNumbers(): AsyncGenerator<number> {
    yield* numbers();
  }
  const data: Record<string, DataSource> = {
    array: [...numbers()],
    generator: numbers(),
    'generator in a function': numbers,
    'asynchronous generator': asyncNumbers,
  };
  const source = new BatchSource(data[kind] as DataSource);
  source.restore({ epoch: 0, batches: count });
  expect(await take(source, 1)).toEqual([count]);
  expect(source.state()).toEqual({ epoch: 0, batches: count + 1 });
});

it('opens an array at its position without reading the elements before', async () => {
  const array = new Proxy([1, 2, 3, 4], {
    get: (target, key, receiver) => {
      if (key === '0' || key === '1') throw new Error('read');
      return Reflect.get(target, key, receiver) as unknown;
    },
  });
  const source = new BatchSource(array, { repeat: true });
  source.restore({ epoch: 0, batches: 2 });
  expect(await take(source, 2)).toEqual([3, 4]);
});

it('lets timers run while it skips batches, and logs its progress', async () => {
  const lines: string[] = [];
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  function* slow(): Generator<number> {
    for (let i = 0; i < 25; i++) {
      const end = performance.now() + 100;
      while (performance.now() < end);
      yield i;
    }
  }
  const source = new BatchSource(slow, {}, (line) => lines.push(line));
  source.restore({ epoch: 0, batches: 24 });
  expect(await take(source, 1)).toEqual([24]);
  clearInterval(timer);
  expect(ticks).toBeGreaterThan(0);
  expect(lines).toEqual([
    expect.stringMatching(/^resuming: \d+ of 24 batches passed over in \d+ s; data with state\(\) and restore\(\)/),
    expect.stringMatching(/^resuming: the data are at batch 24, after \d+ s$/),
  ]);
});

it.each<[string, DataSource]>([
  ['an array that a function gives', () => [1, 2, 3]],
  ['a set', new Set([1, 2, 3])],
])('does not start again when %s is shorter than the position', async (_, data) => {
  const source = new BatchSource(data, { repeat: true });
  source.restore({ epoch: 0, batches: 4 });
  await expect(async () => source.next()).rejects.toThrow(
    /\[HKL_DATA_POSITION\] data: the checkpoint was saved after 4 batches of a pass, and the data ended after 3/,
  );
});

it('frees tensors of skipped batches when the source hands over ownership', async () => {
  const data = (): Iterable<unknown> => new Set([{ x: [tf.ones([1])] }, { x: [tf.zeros([1])] }]);
  const source = new BatchSource(data);
  const before = tf.memory().numTensors;
  source.restore({ epoch: 0, batches: 1 });
  const { device } = await source.next();
  expect(tf.memory().numTensors).toBe(before + 1);
  tf.dispose([...device.owned]);
});

describe('data of tf.data', () => {
  /** Rows 0 to 9, shuffled with a seed, in batches of 4, 4 and 2. */
  const shuffled = () =>
    tf.data
      .array([...Array(10).keys()])
      .shuffle(10, 'seed')
      .batch(4);
  const values = async (source: BatchSource, count: number): Promise<number[][]> => {
    const found: number[][] = [];
    for (let i = 0; i < count; i++) {
      const { device } = await source.next();
      found.push([...(await (device.batch as tf.Tensor).data())]);
      tf.dispose([...device.owned]);
    }
    return found;
  };

  it('gives each pass another order, frees every batch, and skips to the exact position', async () => {
    const before = tf.memory().numTensors;
    const whole = await values(new BatchSource(shuffled(), { repeat: true }), 12);
    expect(new Set(whole.slice(0, 3).flat()).size).toBe(10);
    expect(whole.slice(3, 6)).not.toEqual(whole.slice(0, 3));
    for (const at of [0, 2, 3, 7]) {
      const first = new BatchSource(shuffled(), { repeat: true });
      await values(first, at);
      const resumed = new BatchSource(shuffled(), { repeat: true });
      resumed.restore(first.state());
      expect(resumed.state()).toEqual(first.state());
      expect(await values(resumed, 12 - at)).toEqual(whole.slice(at));
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  it('continues the pass after being closed, and skips ahead in it when restored there', async () => {
    const whole = await values(new BatchSource(shuffled(), { repeat: true }), 6);
    const source = new BatchSource(shuffled(), { repeat: true });
    const found = await values(source, 1);
    await source.close();
    found.push(...(await values(source, 1)));
    await source.close();
    source.restore({ epoch: 0, batches: 2 });
    found.push(...(await values(source, 1)));
    await source.close();
    expect(await values(source, 3)).toEqual(whole.slice(3));
    expect(found).toEqual(whole.slice(0, 3));
    const ahead = new BatchSource(shuffled());
    await values(ahead, 1);
    ahead.restore({ epoch: 0, batches: 2 });
    expect(await values(ahead, 1)).toEqual(whole.slice(2, 3));
  });

  it('treats an iterator as a single pass', async () => {
    const source = new BatchSource(await shuffled().iterator(), { repeat: true });
    expect(new Set((await values(source, 3)).flat()).size).toBe(10);
    await source.close();
    await expect(values(source, 1)).rejects.toThrow('HKL_DATA_NOT_REPEATABLE');
  });

  it('keeps the cause when a dataset fails', async () => {
    const broken = tf.data.generator(function* () {
      yield 1;
      throw new Error('disk on fire');
    });
    const source = new BatchSource(broken);
    await source.next();
    await expect(Promise.resolve(source.next())).rejects.toThrow('HKL_DATA_FAILED');
  });
});

it.each<[string, DataSource, unknown, string]>([
  ['no object', [1], 5, 'field "": '],
  ['no fields', [1], {}, 'field "epoch": '],
  ['a negative place', [1], { epoch: 0, batches: -5 }, 'field "batches": '],
  ['NaN', [1], { epoch: Number.NaN, batches: 0 }, 'field "epoch": '],
  ['a place beyond the end', [1, 2], { epoch: 0, batches: 3 }, 'field "batches" is 3, and the data are 2 batches'],
  ['a place of other data', [1], { epoch: 0, batches: 0, source: { at: 1 } }, 'field "source"'],
])('refuses to go to %s, and stays where it is', async (_, data, state, fault) => {
  const source = new BatchSource(data, { repeat: true });
  expect(source.misfit(state)).toContain(fault);
  expect(() => source.restore(state as never)).toThrow(/\[HKL_DATA_STATE\]/);
  expect(source.state()).toEqual({ epoch: 0, batches: 0 });
  expect(await take(source, 1)).toEqual([1]);
});

describe('data that cannot be closed', () => {
  const stubborn = () => ({
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.resolve({ done: false, value: 1 }),
      return: () => Promise.reject(new Error('the file is gone')),
    }),
  });

  it.each([
    ['reset', (source: BatchSource) => source.reset([2])],
    ['restore', (source: BatchSource) => source.restore({ epoch: 0, batches: 0 })],
  ])('are reported by %s, and the next batch still arrives', async (_, leave) => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    const lines: string[] = [];
    try {
      const source = new BatchSource(stubborn(), {}, (line) => void lines.push(line));
      await take(source, 1);
      leave(source);
      await take(source, 1);
      await new Promise((resolve) => setTimeout(resolve, 5));
    } finally {
      process.off('unhandledRejection', note);
    }
    expect(unhandled).toEqual([]);
    expect(lines).toEqual([
      'the data that were left could not be closed: the file is gone; the next batch is not affected',
    ]);
  });
});
