import { LossWindow } from './loss-window.ts';

describe('LossWindow', () => {
  it('keeps the last values and their median, as sorting would give it', () => {
    const window = new LossWindow(7);
    expect(window.median).toBeNaN();
    const all: number[] = [];
    for (let i = 0; i < 60; i++) {
      const value = Math.round(Math.sin(i * 1.7) * 4);
      all.push(value);
      window.push(value);
      const last = all.slice(-7);
      const sorted = [...last].sort((a, b) => a - b);
      const half = sorted.length >> 1;
      const median = sorted.length % 2 === 1 ? sorted[half] : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2;
      expect(window.values).toEqual(last);
      expect(window.median).toBe(median);
    }
    const copy = new LossWindow(3);
    copy.restore([5, 1, 9, 2]);
    expect([copy.values, copy.median]).toEqual([[1, 9, 2], 2]);
  });

  it('finds spikes above and below zero', () => {
    const window = new LossWindow(5);
    window.restore([1, 2, 3]);
    expect([5.9, 6, 6.1, -100].map((value) => window.isSpike(value, 3))).toEqual([false, false, true, false]);
    window.restore([-3, -2, -1]);
    expect([1.9, 2.1].map((value) => window.isSpike(value, 3))).toEqual([false, true]);
  });
});
