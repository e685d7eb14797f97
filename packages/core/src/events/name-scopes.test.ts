import { EventStorage } from './event-storage.ts';

const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;

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
