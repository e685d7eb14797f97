import { EventStorage } from './event-storage.ts';
import type { LazyScalar } from './lazy-scalar.ts';

const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;

/** A lazy scalar that counts what is done to it. */
function counting(read: () => number | Promise<number>): LazyScalar & { reads: number; disposals: number } {
  return {
    reads: 0,
    disposals: 0,
    read() {
      this.reads++;
      return read();
    },
    dispose() {
      this.disposals++;
    },
  };
}

describe('scalars', () => {
  it('keeps values with the iteration of the storage, or one that is given', () => {
    const storage = new EventStorage({ iteration: 5 });
    storage.putScalar('loss', 2);
    storage.iteration = 6;
    storage.putScalars({ loss: 1, lr: 0.1 });
    storage.putScalar('loss', 0.5, { iteration: 3 });
    expect(storage.history('loss').values()).toEqual([
      { value: 2, iteration: 5 },
      { value: 1, iteration: 6 },
      { value: 0.5, iteration: 3 },
    ]);
    expect([...storage.latest()]).toEqual([
      ['loss', { value: 0.5, iteration: 3 }],
      ['lr', { value: 0.1, iteration: 6 }],
    ]);
    expect(storage.names()).toEqual(['loss', 'lr']);
    expect([...storage.histories().keys()]).toEqual(['loss', 'lr']);
  });

  it('smooths what is to be smoothed by the median over the last iterations, not over the last values', () => {
    const storage = new EventStorage();
    for (let i = 0; i < 30; i++) {
      storage.iteration = i;
      storage.putScalar('every', i);
      if (i % 10 === 0) storage.putScalar('sparse', i);
      storage.putScalar('raw', i, { smoothing: false });
    }
    const latest = storage.latestWithSmoothingHint(20);
    expect(latest.get('every')).toEqual({ value: 19.5, iteration: 29 });
    // Iterations above 20 - 20: 10 and 20.
    expect(latest.get('sparse')).toEqual({ value: 15, iteration: 20 });
    expect(latest.get('raw')).toEqual({ value: 29, iteration: 29 });
    expect(storage.countSamples('every')).toBe(20);
    expect(storage.countSamples('sparse', 20)).toBe(2);
    expect(storage.countSamples('sparse', 21)).toBe(3);
    expect(Object.fromEntries(storage.smoothingHints())).toEqual({ every: true, sparse: true, raw: false });
  });

  it('refuses a changed smoothing hint before anything is stored', () => {
    const storage = new EventStorage();
    storage.putScalar('loss', 1);
    const lazy = counting(() => 2);
    expect(() => storage.putScalar('loss', 2, { smoothing: false })).toThrow(code('HKL_SMOOTHING_CHANGED'));
    expect(() => storage.putScalar('loss', lazy, { smoothing: false })).toThrow(code('HKL_SMOOTHING_CHANGED'));
    expect(storage.history('loss').values()).toEqual([{ value: 1, iteration: 0 }]);
    expect(lazy).toMatchObject({ reads: 0, disposals: 1 });
  });

  it('names the nearest scalar when one is unknown', () => {
    const storage = new EventStorage();
    storage.putScalar('total_loss', 1);
    expect(() => storage.history('total_los')).toThrow(
      /HKL_UNKNOWN_SCALAR.*Did you mean "total_loss"\? Known: total_loss/,
    );
    expect(() => storage.countSamples('x')).toThrow(code('HKL_UNKNOWN_SCALAR'));
  });

  it('refuses names and values that are none, and knows nothing of them afterwards', () => {
    const storage = new EventStorage();
    expect(() => storage.putScalar('', 1)).toThrow(code('HKL_EVENT_NAME'));
    expect(() => storage.putScalar(3 as unknown as string, 1)).toThrow(code('HKL_EVENT_NAME'));
    for (const value of ['1', null, undefined, {}, true]) {
      expect(() => storage.putScalar('loss', value as unknown as number)).toThrow(code('HKL_SCALAR_INVALID'));
    }
    expect(storage.names()).toEqual([]);
    expect(() => storage.history('loss')).toThrow(code('HKL_UNKNOWN_SCALAR'));
    expect(() => (storage.iteration = 0.5)).toThrow(code('HKL_STORAGE_ITERATION'));
    expect(() => new EventStorage({ pendingLimit: -1 })).toThrow(code('HKL_PENDING_LIMIT'));
    expect(() => new EventStorage({ historyLimit: 0 }).putScalar('a', 1)).toThrow(code('HKL_HISTORY_LIMIT'));
  });

  it('takes names that objects have already', () => {
    const storage = new EventStorage();
    storage.putScalar('__proto__', 1);
    storage.putScalar('constructor', 2);
    expect(storage.history('__proto__').latest()).toBe(1);
    const other = new EventStorage();
    other.restore(storage.state());
    expect(other.latest()).toEqual(storage.latest());
  });
});

describe('name scopes', () => {
  it('nest, and prefix scalars, images and histograms', () => {
    const storage = new EventStorage();
    const reader = storage.reader();
    storage.nameScope('eval/', () => {
      storage.putScalar('loss', 1);
      const inner = storage.nameScope('bbox', () => {
        storage.putScalar('AP', 2);
        storage.putImage('shot', { data: new Uint8Array(1), height: 1, width: 1, channels: 1 });
        storage.putHistogram('weights', [1, 2]);
        return 'result';
      });
      expect(inner).toBe('result');
      storage.putScalar('after', 3);
    });
    storage.putScalar('loss', 4);
    const batch = reader.read();
    expect(batch.scalars.map(({ name }) => name)).toEqual(['eval/loss', 'eval/bbox/AP', 'eval/after', 'loss']);
    expect(batch.images[0]?.name).toBe('eval/bbox/shot');
    expect(batch.histograms[0]?.name).toBe('eval/bbox/weights');
  });

  it('end when the function throws or rejects', async () => {
    const storage = new EventStorage();
    const boom = new Error('boom');
    expect(() =>
      storage.nameScope('a', () => {
        throw boom;
      }),
    ).toThrow(boom);
    await expect(storage.nameScope('b', () => Promise.reject(boom))).rejects.toBe(boom);
    storage.putScalar('loss', 1);
    expect(storage.names()).toEqual(['loss']);
  });

  it('hold for an asynchronous function until it settles', async () => {
    const storage = new EventStorage();
    const result = storage.nameScope('eval', async () => {
      await Promise.resolve();
      storage.putScalar('late', 1);
      return 7;
    });
    await expect(result).resolves.toBe(7);
    storage.putScalar('loss', 1);
    expect(storage.names()).toEqual(['eval/late', 'loss']);
  });

  it('are open until disposed, and disposing twice is harmless', () => {
    const storage = new EventStorage();
    {
      using outer = storage.scope('outer');
      using inner = storage.scope('inner');
      expect([outer.prefix, inner.prefix]).toEqual(['outer/', 'outer/inner/']);
      storage.putScalar('x', 1);
      inner[Symbol.dispose]();
      storage.putScalar('y', 1);
    }
    storage.putScalar('z', 1);
    expect(storage.names()).toEqual(['outer/inner/x', 'outer/y', 'z']);
  });

  it('that overlap raise an error, and leave no prefix behind', async () => {
    const storage = new EventStorage();
    const slow = (ms: number) => () => new Promise<void>((done) => setTimeout(done, ms));
    const first = storage.nameScope('a', slow(5));
    const second = storage.nameScope('b', slow(30));
    await expect(first).rejects.toThrow(code('HKL_SCOPE_OVERLAP'));
    await second;
    storage.putScalar('loss', 1);
    expect(storage.names()).toEqual(['loss']);
  });

  it.each(['', '/', 3])('refuse the name %j', (name) => {
    const storage = new EventStorage();
    expect(() => storage.scope(name as string)).toThrow(code('HKL_EVENT_NAME'));
    storage.putScalar('loss', 1);
    expect(storage.names()).toEqual(['loss']);
  });
});

describe('lazy scalars', () => {
  it('are read once, when somebody asks for that scalar, and disposed once', () => {
    const storage = new EventStorage();
    const [loss, accuracy] = [counting(() => 1.5), counting(() => 0.9)];
    storage.putScalar('loss', loss);
    storage.putScalar('accuracy', accuracy);
    storage.putScalar('time', 0.1);
    expect(storage.history('time').latest()).toBe(0.1);
    expect([storage.names().length, loss.reads, accuracy.reads]).toEqual([3, 0, 0]);
    expect(storage.history('loss').latest()).toBe(1.5);
    expect([loss.reads, loss.disposals, accuracy.reads]).toEqual([1, 1, 0]);
    storage.latest();
    expect([loss.reads, loss.disposals, accuracy.reads, accuracy.disposals]).toEqual([1, 1, 1, 1]);
  });

  it('keep their place among numbers that are put after them', () => {
    const storage = new EventStorage();
    storage.putScalar('loss', 1);
    storage.putScalar('loss', { read: () => 2 });
    storage.putScalar('loss', 3);
    expect(
      storage
        .history('loss')
        .values()
        .map(({ value }) => value),
    ).toEqual([1, 2, 3]);
  });

  it('that give promises are an error for synchronous accessors, until resolved', async () => {
    const storage = new EventStorage();
    const lazy = counting(() => Promise.resolve(4));
    storage.putScalar('loss', lazy);
    expect(() => storage.history('loss')).toThrow(/HKL_SCALAR_PENDING.*await storage\.resolve\(\)/);
    expect(() => storage.latest()).toThrow(code('HKL_SCALAR_PENDING'));
    await storage.resolve();
    expect(storage.history('loss').latest()).toBe(4);
    expect(lazy).toMatchObject({ reads: 1, disposals: 1 });
  });

  it('are resolved without a promise when none is needed, and all at once when some are', async () => {
    const storage = new EventStorage();
    storage.putScalar('a', { read: () => 1 });
    expect(storage.resolve()).toBeUndefined();
    let running = 0;
    let most = 0;
    const slow = async (): Promise<number> => {
      most = Math.max(most, ++running);
      await new Promise((done) => setTimeout(done, 5));
      running--;
      return 2;
    };
    for (const name of ['a', 'b', 'c']) storage.putScalar(name, { read: slow });
    const resolving = storage.resolve();
    expect(resolving).toBeInstanceOf(Promise);
    await resolving;
    expect(most).toBe(3);
    expect([...storage.latest().values()].map(({ value }) => value)).toEqual([2, 2, 2]);
  });

  it('beyond the limit are read oldest first, across scalars', () => {
    const storage = new EventStorage({ pendingLimit: 4 });
    const order: string[] = [];
    const lazies = Array.from({ length: 8 }, (_, i) =>
      counting(() => {
        order.push(`${i}`);
        return i;
      }),
    );
    lazies.forEach((lazy, i) => storage.putScalar(['a', 'b', 'c'][i % 3]!, lazy));
    expect(order).toEqual(['0', '1', '2', '3']);
    expect(lazies.map(({ disposals }) => disposals)).toEqual([1, 1, 1, 1, 0, 0, 0, 0]);
    storage.latest();
    expect(
      storage
        .history('a')
        .values()
        .map(({ value }) => value),
    ).toEqual([0, 3, 6]);
    expect(lazies.every(({ reads, disposals }) => reads === 1 && disposals === 1)).toBe(true);
  });

  it('beyond the limit that give promises arrive by themselves', async () => {
    const storage = new EventStorage({ pendingLimit: 0 });
    const lazy = counting(() => Promise.resolve(3));
    storage.putScalar('a', lazy);
    expect(lazy.reads).toBe(1);
    await new Promise((done) => setImmediate(done));
    expect(lazy.disposals).toBe(1);
    expect(storage.history('a').latest()).toBe(3);
  });

  it('put under two names, or again after they were read, are read and disposed once', () => {
    const storage = new EventStorage();
    const lazy = counting(() => 5);
    storage.putScalars({ loss: lazy, total_loss: lazy });
    expect(storage.history('loss').latest()).toBe(5);
    storage.putScalar('again', lazy);
    expect([...storage.latest().values()].map(({ value }) => value)).toEqual([5, 5, 5]);
    expect(lazy).toMatchObject({ reads: 1, disposals: 1 });
  });

  it('that cannot be read raise once, with scalar and iteration; other values survive', async () => {
    const storage = new EventStorage({ iteration: 12 });
    const cause = new Error('device lost');
    const broken = counting(() => {
      throw cause;
    });
    storage.putScalar('loss', 1);
    storage.putScalar('loss', broken);
    storage.putScalar('loss', 3);
    expect(() => storage.history('loss')).toThrow(/HKL_SCALAR_UNREADABLE.*"loss".*device lost.*iteration 12/);
    expect(broken).toMatchObject({ reads: 1, disposals: 1 });
    expect(
      storage
        .history('loss')
        .values()
        .map(({ value }) => value),
    ).toEqual([1, 3]);

    storage.putScalars({ a: { read: () => Promise.reject(cause) }, b: { read: () => 'no' as unknown as number } });
    const failure = Promise.resolve(storage.resolve());
    await expect(failure).rejects.toMatchObject({
      code: 'HKL_SCALAR_UNREADABLE',
      cause: { errors: [{ cause }, { cause: { message: 'read() gave string instead of a number' } }] },
    });
    expect([...storage.latest().keys()]).toEqual(['loss']);
    expect(() => storage.history('a').latest()).toThrow(code('HKL_HISTORY_EMPTY'));
  });

  it('are disposed unread when given up', async () => {
    const storage = new EventStorage();
    const [unread, late] = [counting(() => 1), counting(() => Promise.resolve(2))];
    storage.putScalar('late', late);
    expect(() => storage.history('late')).toThrow(code('HKL_SCALAR_PENDING'));
    storage.putScalar('unread', unread);
    storage.discardPending();
    await new Promise((done) => setImmediate(done));
    expect(unread).toMatchObject({ reads: 0, disposals: 1 });
    expect(late).toMatchObject({ reads: 1, disposals: 1 });
    expect([...storage.latest()]).toEqual([]);
  });
});

describe('state', () => {
  it('carries the last thousand values of each scalar, with mean and hint, through a resume', () => {
    const storage = new EventStorage();
    for (let i = 0; i < 1500; i++) storage.putScalar('time', i, { iteration: i });
    storage.putScalar('best', Number.NaN, { smoothing: false });
    const resumed = new EventStorage();
    resumed.putScalar('stale', 1);
    resumed.restore(storage.state());
    expect(resumed.names()).toEqual(['time', 'best']);
    const [before, after] = [storage.history('time'), resumed.history('time')];
    expect(after.length).toBe(1000);
    expect([after.globalMean(), after.median(1000), after.count]).toEqual([
      before.globalMean(),
      before.median(1000),
      1500,
    ]);
    for (const history of [before, after]) history.put(7, 1500);
    expect([after.globalMean(), after.median(20)]).toEqual([before.globalMean(), before.median(20)]);
    expect(resumed.latest().get('best')?.value).toBeNaN();
    expect(() => resumed.putScalar('best', 1)).toThrow(code('HKL_SMOOTHING_CHANGED'));
    resumed.putScalar('stale', 1, { smoothing: false });
    expect(resumed.history('stale').count).toBe(1);
  });

  it('gives readers only what is put after restoring', () => {
    const storage = new EventStorage();
    storage.putScalar('loss', 1);
    const resumed = new EventStorage();
    const early = resumed.reader();
    resumed.putScalar('loss', 0);
    early.read();
    resumed.restore(storage.state());
    const late = resumed.reader();
    expect([early.read().scalars, late.read().scalars]).toEqual([[], []]);
    resumed.putScalar('loss', 2);
    for (const reader of [early, late]) expect(reader.read().scalars.map(({ value }) => value)).toEqual([2]);
  });

  it.each([
    null,
    {},
    { scalars: { a: {} } },
    { scalars: { a: { smoothing: true, count: 1, mean: 1, values: [null], iterations: [0] } } },
    { scalars: { a: { smoothing: true, count: 1, mean: 1, values: [1, 2], iterations: [0, 1] } } },
    { scalars: { a: { smoothing: true, count: 2, mean: 1, values: [1, 2], iterations: [0] } } },
  ])('refuses %j and stays as it was', (state) => {
    const storage = new EventStorage();
    storage.putScalar('loss', 1);
    expect(() => storage.restore(state as never)).toThrow(code('HKL_STORAGE_STATE'));
    expect(storage.history('loss').latest()).toBe(1);
  });
});
