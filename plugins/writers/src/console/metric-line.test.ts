import { TrainerBase, ConsoleLogger, type EventStorage } from '@hookline/core';
import { metricLine, peakMemory } from './metric-line.ts';
import { RemainingTime } from './remaining-time.ts';

/** The storage of a trainer, as plugins get it. */
const makeStorage = (): EventStorage =>
  new TrainerBase({ maxIterations: 1, step: () => 0, logger: new ConsoleLogger({ level: 'silent' }) }).storage;

describe('metricLine', () => {
  it('is, blanks included, that of detectron2', () => {
    const storage = makeStorage();
    for (let i = 0; i < 20; i++) {
      storage.iteration = i;
      storage.putScalars({ total_loss: 0.5, loss_cls: 0.3, time: i === 19 ? 0.11 : 0.1, data_time: 0.001 });
      storage.putScalar('lr', 0.001, { smoothing: false });
    }
    expect(metricLine({ storage, iteration: 19, eta: 80, maxMemory: 512.4 })).toBe(
      ' eta: 0:01:20  iter: 19  total_loss: 0.5  loss_cls: 0.3    time: 0.1005  last_time: 0.1100  data_time: 0.0010  last_data_time: 0.0010   lr: 0.001  max_mem: 512M',
    );
  });

  it('shows the epoch where somebody counts it', () => {
    const storage = makeStorage();
    storage.putScalar('epoch', 2.414, { smoothing: false });
    expect(metricLine({ storage, iteration: 19, eta: 80, maxMemory: 1 })).toMatch(
      /^ eta: 0:01:20 {2}epoch: 2.41 {2}iter: 19 /,
    );
  });

  it('shows medians of what is smoothed and newest values of what is not, metrics after losses', () => {
    const storage = makeStorage();
    for (let i = 0; i < 30; i++) {
      storage.iteration = i;
      storage.putScalar('[metric]grad_norm', i);
      storage.putScalar('loss_a', i);
      storage.putScalar('loss_raw', i, { smoothing: false });
      storage.putScalar('other', i);
    }
    // 10 to 29 are the last 20 iterations.
    expect(metricLine({ storage, iteration: 29, eta: undefined, maxMemory: 1 })).toBe(
      ' iter: 29  loss_a: 19.5  loss_raw: 29  [metric]grad_norm: 19.5   lr: N/A  max_mem: 1M',
    );
  });

  it('smooths over as many iterations as it is told', () => {
    const storage = makeStorage();
    for (let i = 0; i < 30; i++) {
      storage.iteration = i;
      storage.putScalars({ loss_a: i, data_time: i });
    }
    expect(metricLine({ storage, iteration: 29, windowSize: 5, eta: undefined, maxMemory: 1 })).toContain(
      'loss_a: 27    data_time: 27.0000  last_data_time: 29.0000',
    );
  });

  it('leaves the times of the run before a resume out', () => {
    const storage = makeStorage();
    storage.putScalars({ time: 9, data_time: 5 }, { iteration: 99 });
    const line = () => metricLine({ storage, iteration: 100, startIteration: 100, eta: undefined, maxMemory: 1 });
    expect(line()).not.toContain('time');
    storage.putScalars({ time: 1, data_time: 0.5 }, { iteration: 100 });
    storage.putScalars({ time: 2, data_time: 0.25 }, { iteration: 101 });
    expect(line()).toContain('time: 1.5000  last_time: 2.0000  data_time: 0.3750  last_data_time: 0.2500');
  });

  it('gets a peak memory in MiB', () => {
    expect(peakMemory()).toBeGreaterThan(process.memoryUsage().rss / 2 ** 21);
    expect(peakMemory()).toBeLessThan(1e6);
  });
});

describe('RemainingTime', () => {
  it('is the median of the last 1000 times, times the steps that remain, and is stored', () => {
    const storage = makeStorage();
    for (let i = 0; i < 2000; i++)
      storage.putScalar('time', i < 1000 ? 100 : i % 2 === 0 ? 0.1 : 0.3, { iteration: i });
    storage.iteration = 1999;
    expect(new RemainingTime().estimate(storage, 1999, { startIteration: 0, maxIterations: 2010 })).toBeCloseTo(
      0.2 * 10,
      10,
    );
    expect(storage.latest().get('eta_seconds')?.value).toBeCloseTo(2, 10);
    expect(storage.smoothingHints().get('eta_seconds')).toBe(false);
  });

  it('is that of this run: a resumed storage holds the times of another, which are not counted', () => {
    let now = 0;
    const storage = makeStorage();
    for (let i = 0; i < 500; i++) storage.putScalar('time', 10, { iteration: i });
    const run = { startIteration: 500, maxIterations: 1000 };
    const remaining = new RemainingTime(() => now);
    expect(remaining.estimate(storage, 509, run)).toBeUndefined();
    now = 20;
    expect(remaining.estimate(storage, 519, run)).toBe(2 * 480);
    for (let i = 520; i < 530; i++) storage.putScalar('time', 1, { iteration: i });
    expect(remaining.estimate(storage, 529, run)).toBe(470);
  });

  it('is measured between two estimates where nobody puts times', () => {
    let now = 100;
    const storage = makeStorage();
    const run = { startIteration: 0, maxIterations: 100 };
    const remaining = new RemainingTime(() => now);
    expect(remaining.estimate(storage, 19, run)).toBeUndefined();
    now = 110;
    expect(remaining.estimate(storage, 39, run)).toBe(0.5 * 60);
  });
});
