import { HistoryBuffer } from './history-buffer.ts';

const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;

describe('HistoryBuffer', () => {
  it('gives latest, windowed median and mean, and iterations that default to the count', () => {
    const history = new HistoryBuffer();
    for (const value of [5, 1, 4, 2]) history.put(value);
    expect(history.latest()).toBe(2);
    expect(history.latestSample()).toEqual({ value: 2, iteration: 3 });
    expect([history.median(1), history.median(2), history.median(3), history.median(4), history.median()]).toEqual([
      2, 3, 2, 3, 3,
    ]);
    expect([history.mean(2), history.mean(4), history.mean(100), history.globalMean()]).toEqual([3, 3, 3, 3]);
    expect(history.values().map(({ iteration }) => iteration)).toEqual([0, 1, 2, 3]);
  });

  it('keeps the newest values, and the mean over all', () => {
    const history = new HistoryBuffer(100);
    for (let i = 0; i < 250; i++) history.put(i, 2 * i);
    expect([history.count, history.length]).toEqual([250, 100]);
    const values = history.values();
    expect([values.length, values[0], values[99]]).toEqual([
      100,
      { value: 150, iteration: 300 },
      { value: 249, iteration: 498 },
    ]);
    expect(history.mean()).toBe(199.5);
    expect(history.globalMean()).toBeCloseTo(124.5, 12);
    expect([history.valueAt(149), history.valueAt(150), history.valueAt(250)]).toEqual([Number.NaN, 150, Number.NaN]);
  });

  it('counts the newest values of the last iterations, up to the first that is older', () => {
    const history = new HistoryBuffer();
    for (const iteration of [0, 5, 9, 3, 10, 10]) history.put(1, iteration);
    expect(history.countSamples(1)).toBe(2);
    // 3 is older than 10 - 7, though 9 and 5 before it are not.
    expect(history.countSamples(7)).toBe(2);
    expect(history.countSamples(8)).toBe(5);
    expect(history.countSamples(100)).toBe(6);
    expect(history.countSamples(5, 3)).toBe(2);
  });

  it('has a NaN median when there is a NaN in the window', () => {
    const history = new HistoryBuffer();
    for (const value of [1, Number.NaN, 2, 3]) history.put(value);
    expect(history.median(3)).toBeNaN();
    expect(history.median(2)).toBe(2.5);
  });

  it.each([10, 64, 1000])('goes on after restoring as if never interrupted (limit %i)', (limit) => {
    const [original, resumed] = [new HistoryBuffer(limit), new HistoryBuffer(limit)];
    for (let i = 0; i < 300; i++) original.put(Math.sin(i), i);
    resumed.put(99);
    resumed.restore(JSON.parse(JSON.stringify(original.state())) as ReturnType<HistoryBuffer['state']>);
    for (let i = 300; i < 1500; i++) for (const history of [original, resumed]) history.put(Math.sin(i), i);
    expect(resumed.values()).toEqual(original.values());
    expect(resumed.globalMean()).toBe(original.globalMean());
    expect(resumed.median(20)).toBe(original.median(20));
  });

  it('restores what fits when its limit is smaller, and a window when asked for one', () => {
    const original = new HistoryBuffer();
    for (let i = 0; i < 10; i++) original.put(i);
    expect(original.state(3)).toEqual({ count: 10, mean: 4.5, values: [7, 8, 9], iterations: [7, 8, 9] });
    const small = new HistoryBuffer(2);
    small.restore(original.state());
    small.put(10);
    expect(small.values()).toEqual([
      { value: 9, iteration: 9 },
      { value: 10, iteration: 10 },
    ]);
    const empty = new HistoryBuffer();
    empty.restore(new HistoryBuffer().state());
    empty.put(1);
    expect(empty.values()).toEqual([{ value: 1, iteration: 0 }]);
  });

  it('raises when it is empty or cannot keep anything', () => {
    const history = new HistoryBuffer();
    for (const ask of ['latest', 'latestSample', 'median', 'mean', 'globalMean'] as const) {
      expect(() => history[ask]()).toThrow(code('HKL_HISTORY_EMPTY'));
    }
    expect(history.values()).toEqual([]);
    for (const limit of [0, -1, 1.5]) expect(() => new HistoryBuffer(limit)).toThrow(code('HKL_HISTORY_LIMIT'));
  });
});
