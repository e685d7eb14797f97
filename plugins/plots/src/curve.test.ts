import { Curve } from './curve.ts';

describe('Curve', () => {
  it('keeps the whole run in bounded memory, with its extremes', () => {
    const curve = new Curve(64);
    for (let i = 0; i < 100_000; i++) curve.add(i, i === 77_777 ? 1000 : i % 2);
    expect(curve.points.length).toBeLessThanOrEqual(64);
    expect(curve.points.length).toBeGreaterThanOrEqual(32);
    expect(curve.points.reduce((sum, { count }) => sum + count, 0)).toBe(100_000);
    expect(Math.max(...curve.points.map(({ max }) => max))).toBe(1000);
    expect(curve.points[0]).toMatchObject({ iteration: 0, min: 0, max: 1 });
    expect(curve.points[0]?.mean).toBeCloseTo(0.5, 10);
    expect(curve.last).toBe(1);
  });

  it('goes on from its state as if nothing had happened', () => {
    const whole = new Curve(16);
    let parts = new Curve(16);
    for (let i = 0; i < 1000; i++) {
      whole.add(i, Math.sin(i));
      parts.add(i, Math.sin(i));
      if (i % 100 === 50) parts = Curve.restore(JSON.parse(JSON.stringify(parts.state())) as never, 16);
    }
    expect(parts.state()).toEqual(whole.state());
  });

  it('leaves out what cannot be drawn and sorts what comes late', () => {
    const curve = new Curve();
    for (const [i, value] of [
      [0, 1],
      [1, Number.NaN],
      [5, Infinity],
      [4, 2],
      [2, 3],
    ] as const)
      curve.add(i, value);
    expect(curve.points.map(({ iteration, mean }) => [iteration, mean])).toEqual([
      [0, 1],
      [2, 3],
      [4, 2],
    ]);
  });
});
