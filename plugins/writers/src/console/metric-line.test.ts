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
    expect(new RemainingTime().estimate(storage, 1999, 2010)).toBeCloseTo(0.2 * 10, 10);
    expect(storage.latest().get('eta_seconds')?.value).toBeCloseTo(2, 10);
    expect(storage.smoothingHints().get('eta_seconds')).toBe(false);
  });

  it('is measured between two estimates where nobody puts times', () => {
    let now = 100;
    const storage = makeStorage();
    const remaining = new RemainingTime(() => now);
    expect(remaining.estimate(storage, 19, 100)).toBeUndefined();
    now = 110;
    expect(remaining.estimate(storage, 39, 100)).toBe(0.5 * 60);
  });
});
