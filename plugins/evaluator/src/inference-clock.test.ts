import { InferenceClock } from './inference-clock.ts';

/** Runs batches with 1 s for data, 2 s for computing and 1 s for evaluation on a fake clock. */
function run(batches: number, total: number | undefined, scale = 1) {
  let time = 100;
  const clock = new InferenceClock(total, () => time);
  const lines: [number, string][] = [];
  for (let i = 1; i <= batches; i++) {
    for (const [part, seconds] of [
      ['data', 1],
      ['compute', 2],
      ['evaluate', 1],
    ] as const) {
      time += seconds * scale * (i === 1 ? 10 : 1);
      clock.lap(part);
    }
    const line = clock.batchDone();
    if (line !== undefined) lines.push([i, line]);
  }
  return { lines, summary: clock.summary() };
}

describe('InferenceClock', () => {
  it('leaves the warm-up out, and writes at most every five seconds after twice the warm-up', () => {
    const { lines, summary } = run(13, 13, 0.5);
    expect(lines).toEqual([
      [
        11,
        'Inference done 11/13. data: 0.5000 s/iter, compute: 1.0000 s/iter, evaluate: 0.5000 s/iter, total: 2.0000 s/iter, ETA: 0:00:04',
      ],
    ]);
    expect(summary).toEqual([
      'Total inference time: 0:00:16 (2.000000 s / iter per device, on 1 device)',
      'Total inference pure compute time: 0:00:08 (1.000000 s / iter per device, on 1 device)',
    ]);
  });

  it('writes at once when a batch takes long', () => {
    const { lines } = run(8, undefined, 3);
    expect(lines.map(([batch]) => batch)).toEqual([6, 7, 8]);
    expect(lines[0]?.[1]).toBe(
      'Inference done 6. data: 3.0000 s/iter, compute: 6.0000 s/iter, evaluate: 3.0000 s/iter, total: 12.0000 s/iter',
    );
  });

  it.each([
    [1, 1, '0:00:40 (40.000000'],
    [2, 2, '0:00:04 (4.000000'],
    [3, 3, '0:00:04 (4.000000'],
  ])('warms up with one batch less than there are: %i of %i', (batches, total, expected) => {
    expect(run(batches, total).summary[0]).toContain(expected);
  });

  it('has nothing to say of warm-up alone', () => {
    expect(run(5, undefined).summary).toEqual([]);
    expect(run(0, 0).summary).toEqual([]);
  });
});
