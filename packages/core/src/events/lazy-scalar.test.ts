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

  it('may be frozen, and may belong to two storages', () => {
    const storages = [new EventStorage(), new EventStorage()];
    const calls = { reads: 0, disposals: 0 };
    const frozen = Object.freeze({ read: () => ++calls.reads, dispose: () => calls.disposals++ });
    for (const storage of storages) storage.putScalars({ a: frozen, b: frozen });
    for (const storage of storages) expect([...storage.latest().values()].map(({ value }) => value)).toEqual([1, 1]);
    expect(calls).toEqual({ reads: 1, disposals: 1 });
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
