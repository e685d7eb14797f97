import { type EventStorage, formatDuration, type HistoryBuffer } from '@hookline/core';
import { countSince } from './count-since.ts';
import { formatGeneral } from './format-number.ts';

/** Options of a metric line. */
export interface MetricLineInput {
  readonly storage: EventStorage;
  readonly iteration: number;
  /** Iteration at which this run started or was resumed; times of earlier steps are from another process. @default 0 */
  readonly startIteration?: number;
  /** Number of iterations for medians and for the mean of `data_time`. @default 20 */
  readonly windowSize?: number;
  /** Names of the metrics that steps report, such as an accuracy. @default none */
  readonly metrics?: ReadonlySet<string> | undefined;
  /** Remaining seconds, if known. */
  readonly eta: number | undefined;
  /** Peak memory of the process in MiB. */
  readonly maxMemory: number;
}

/**
 * The line of detectron2's CommonMetricPrinter, including its spaces, so that scripts that parse detectron2's logs can parse these:
 *
 *     eta: 0:01:20  iter: 19  total_loss: 0.5  loss_cls: 0.3    time: 0.1000  last_time: 0.1100 ...   lr: 0.001  max_mem: 512M
 *
 * With the plugin `epochs`, `epoch: 2.41` comes before `iter`. Losses are the scalars with `loss` in their names; after them come scalars with `[metric]` and those that steps report. Each value is the median over the last
 * `windowSize` iterations, or the newest value if it was stored without smoothing. `time` is the mean over all steps of
 * this run, `data_time` over the last `windowSize` of them, both in seconds. Scalars that are not in the storage are left out.
 */
export function metricLine({
  storage,
  iteration,
  startIteration = 0,
  windowSize = 20,
  metrics = new Set(),
  eta,
  maxMemory,
}: MetricLineInput): string {
  const names = storage.names();
  const shown = storage.latestWithSmoothingHint(windowSize);
  const isLoss = (name: string): boolean => name.includes('loss');
  const isMetric = (name: string): boolean => name.includes('[metric]') || (metrics.has(name) && !isLoss(name));
  const list = (isShown: (name: string) => boolean): string =>
    [...shown]
      .filter(([name]) => isShown(name))
      .map(([name, { value }]) => `${name}: ${formatGeneral(value, 4)}`)
      .join('  ');
  const seconds = (label: string, value: number): string => `${label}: ${value.toFixed(4)}  `;
  const timesOf = (name: string, mean: (history: HistoryBuffer, own: number) => number): string[] => {
    if (!names.includes(name)) return [];
    const history = storage.history(name);
    const own = countSince(history, startIteration);
    return own === 0 ? [] : [seconds(name, mean(history, own)), seconds(`last_${name}`, history.latest())];
  };
  const times = [
    ...timesOf('time', (time, own) => time.mean(own)),
    ...timesOf('data_time', (time, own) => time.mean(Math.min(own, time.countSamples(windowSize)))),
  ].join('');
  const lr = names.includes('lr') ? formatGeneral(storage.history('lr').latest(), 5) : 'N/A';
  const start = eta === undefined ? '' : `eta: ${formatDuration(eta, { days: true })}  `;
  const epoch = names.includes('epoch') ? `epoch: ${storage.history('epoch').latest().toFixed(2)}  ` : '';
  return ` ${start}${epoch}iter: ${iteration}  ${list(isLoss)}  ${list(isMetric)}  ${times} lr: ${lr}  max_mem: ${maxMemory.toFixed(0)}M`;
}

/** Peak resident memory of this process in MiB. */
export function peakMemory(): number {
  return process.resourceUsage().maxRSS / 1024;
}
