import type { EventStorage } from '@hookline/core';
import { formatDuration } from './format-duration.ts';
import { formatGeneral } from './format-number.ts';

/** How many iterations medians and means of the console look back on. */
export const WINDOW = 20;

/** What a metric line needs besides the storage. */
export interface MetricLineInput {
  readonly storage: EventStorage;
  readonly iteration: number;
  /** Seconds that remain, where known. */
  readonly eta: number | undefined;
  /** Peak memory of the process in MiB. */
  readonly maxMemory: number;
}

/**
 * The line of detectron2's CommonMetricPrinter, blanks included, so that scripts that read its logs read these:
 *
 *     eta: 0:01:20  iter: 19  total_loss: 0.5  loss_cls: 0.3    time: 0.1000  last_time: 0.1100 ...   lr: 0.001  max_mem: 512M
 *
 * Losses are the scalars with `loss` in their names, then those with `[metric]`; each is the median over the last 20
 * iterations, or the newest value where it was put without smoothing. `time` is the mean over all steps, `data_time`
 * over the last 20 iterations, in seconds. What is not in the storage is left out.
 */
export function metricLine({ storage, iteration, eta, maxMemory }: MetricLineInput): string {
  const names = storage.names();
  const has = new Set(names);
  const shown = storage.latestWithSmoothingHint(WINDOW);
  const list = (part: string): string =>
    names
      .filter((name) => name.includes(part))
      .map((name) => `${name}: ${formatGeneral(shown.get(name)?.value ?? Number.NaN, 4)}`)
      .join('  ');
  const seconds = (label: string, value: number): string => `${label}: ${value.toFixed(4)}  `;
  const time = has.has('time') ? storage.history('time') : undefined;
  const data = has.has('data_time') ? storage.history('data_time') : undefined;
  const times = [
    ...(time === undefined ? [] : [seconds('time', time.globalMean()), seconds('last_time', time.latest())]),
    ...(data === undefined
      ? []
      : [seconds('data_time', data.mean(data.countSamples(WINDOW))), seconds('last_data_time', data.latest())]),
  ].join('');
  const lr = has.has('lr') ? formatGeneral(storage.history('lr').latest(), 5) : 'N/A';
  const start = eta === undefined ? '' : `eta: ${formatDuration(eta)}  `;
  return ` ${start}iter: ${iteration}  ${list('loss')}  ${list('[metric]')}  ${times} lr: ${lr}  max_mem: ${maxMemory.toFixed(0)}M`;
}

/** Peak resident memory of this process in MiB. */
export function peakMemory(): number {
  return process.resourceUsage().maxRSS / 1024;
}
