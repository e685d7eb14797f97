import { EventStorage } from './event-storage.ts';

const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;

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
    const lazy = { disposals: 0, read: () => 2, dispose: () => lazy.disposals++ };
    expect(() => storage.putScalar('loss', 2, { smoothing: false })).toThrow(code('HKL_SMOOTHING_CHANGED'));
    expect(() => storage.putScalar('loss', lazy, { smoothing: false })).toThrow(code('HKL_SMOOTHING_CHANGED'));
    expect(storage.history('loss').values()).toEqual([{ value: 1, iteration: 0 }]);
    expect(lazy.disposals).toBe(1);
  });

  it('stores the others when one of several is refused, so that no lazy scalar is lost', () => {
    const storage = new EventStorage();
    storage.putScalar('a', 1, { smoothing: false });
    const values = { a: 2, '': 3, b: { read: () => 4 } };
    expect(() => storage.putScalars(values)).toThrow(code('HKL_SMOOTHING_CHANGED'));
    expect(storage.history('b').latest()).toBe(4);
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
      expect(() => storage.putScalar('loss', value as number)).toThrow(code('HKL_SCALAR_INVALID'));
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
