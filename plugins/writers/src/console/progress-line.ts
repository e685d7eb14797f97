import { formatDuration } from '@hookline/core';
import { formatGeneral } from './format-number.ts';

/** The content of a progress line; undefined parts are left out. */
export interface Progress {
  /** Number of completed steps. */
  readonly done: number;
  readonly total: number;
  /** Number of epochs, including the fraction of the current one. */
  readonly epoch?: number | undefined;
  readonly loss?: number | undefined;
  /** Metrics that steps report, by name. */
  readonly metrics?: ReadonlyMap<string, number | undefined> | undefined;
  readonly lr?: number | undefined;
  readonly secondsPerStep?: number | undefined;
  /** Remaining seconds. */
  readonly eta?: number | undefined;
}

const BAR = { widest: 24, narrowest: 8 };

/**
 * One line for a terminal: `[=====>    ] 450/1000  epoch 2.4  loss 0.213  accuracy 0.91  lr 1.0e-3  12.3 ms/step  eta 0:42`.
 *
 * The bar takes the space that the rest leaves of `columns`, 8 to 24 characters. If the line is still too long,
 * parts are left out; the count is always kept, and parts near the end are left out last.
 */
export function progressLine(progress: Progress, columns = 80): string {
  const { done, total, loss, epoch, metrics = new Map<string, undefined>(), lr, secondsPerStep, eta } = progress;
  const count = `${String(done).padStart(String(total).length)}/${total}`;
  // In the order in which they are left out.
  const parts = [
    { at: -1, text: epoch === undefined ? '' : `epoch ${epoch.toFixed(1)}` },
    { at: 1, text: lr === undefined ? '' : `lr ${formatRate(lr)}` },
    ...[...metrics].reverse().map(([name, value], place) => ({
      at: 1 - (place + 1) / (metrics.size + 1),
      text: value === undefined ? '' : `${name} ${formatGeneral(value, 4)}`,
    })),
    { at: 2, text: secondsPerStep === undefined ? '' : formatSpeed(secondsPerStep) },
    { at: 0, text: loss === undefined ? '' : `loss ${formatGeneral(loss, 4)}` },
    { at: 3, text: eta === undefined ? '' : `eta ${formatEta(eta)}` },
  ].filter(({ text }) => text !== '');
  for (let dropped = 0; dropped <= parts.length; dropped++) {
    const kept = parts.slice(dropped).sort((a, b) => a.at - b.at);
    const rest = [count, ...kept.map(({ text }) => text)].join('  ');
    const room = columns - rest.length - 4;
    if (room >= BAR.narrowest) return `${bar(done / total, Math.min(BAR.widest, room))} ${rest}`;
  }
  return count.slice(0, columns - 1);
}

/** The bar, with `width` characters between its brackets. */
export function bar(fraction: number, width: number): string {
  const filled = Math.max(0, Math.min(width, Math.floor(fraction * width)));
  if (filled === width) return `[${'='.repeat(width)}]`;
  return `[${'='.repeat(filled)}>${' '.repeat(width - filled - 1)}]`;
}

/** Without hours if there are none: `0:42`, `1:02:03`. */
export function formatEta(seconds: number): string {
  return formatDuration(seconds, { days: true }).replace(/^0:0?(?=\d)/, '');
}

function formatRate(lr: number): string {
  return lr === 0 || !Number.isFinite(lr) ? String(lr) : lr.toExponential(1);
}

function formatSpeed(seconds: number): string {
  if (seconds >= 10) return `${seconds.toFixed(1)} s/step`;
  if (seconds >= 1) return `${seconds.toFixed(2)} s/step`;
  const milliseconds = seconds * 1000;
  return `${milliseconds.toFixed(milliseconds >= 100 ? 0 : milliseconds >= 1 ? 1 : 2)} ms/step`;
}
