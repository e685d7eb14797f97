import { EventStorage } from './event-storage.ts';

const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;

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
