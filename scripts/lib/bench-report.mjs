import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';

/**
 * @typedef {{ median: number, min: number, max: number, unit: string, runs: number }} Figure
 * @typedef {{ figures: Record<string, Figure>, notes?: readonly string[] }} Result
 * @typedef {{ cpu: string, cores: number, memory_gib: number, platform: string }} MachineInfo
 */

/**
 * Describes the machine that the figures depend on.
 *
 * @returns {MachineInfo}
 */
export function machine() {
  const cpus = os.cpus();
  return {
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cores: cpus.length,
    memory_gib: Math.round(os.totalmem() / 2 ** 30),
    platform: `${process.platform}-${process.arch}`,
  };
}

/**
 * The versions of the runtimes used, as the runtimes themselves report them.
 *
 * @param {string} benchFile path of the benchmark, from which packages are resolved
 */
export async function versions(benchFile) {
  const require = createRequire(benchFile);
  const { version: tfjs } = JSON.parse(readFileSync(require.resolve('@tensorflow/tfjs/package.json'), 'utf8'));
  const { currentDevice } = await import('@hookline/tfjs');
  const device = currentDevice();
  return {
    node: process.versions.node,
    tfjs,
    tensorflow: /TensorFlow (\S+)/.exec(device?.engine ?? '')?.[1] ?? null,
    device: device === undefined ? null : device.describe().replace(/^device: /, ''),
  };
}

/**
 * Formats the figures as a table of text.
 *
 * @param {string} name
 * @param {Result} result
 * @param {MachineInfo} on
 * @param {Record<string, string | null>} using
 */
export function formatReport(name, { figures, notes = [] }, on, using) {
  const head = ['', 'median', 'min', 'max', 'unit', 'runs'];
  const rows = Object.entries(figures).map(([label, { median, min, max, unit, runs }]) => [
    label,
    ...[median, min, max].map(formatNumber),
    unit,
    String(runs),
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (/** @type {string[]} */ cells) =>
    cells
      .map((cell, column) =>
        column === 0 || column === 4 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [
    `benchmark ${name}`,
    `  ${on.cpu}, ${on.cores} cores, ${on.memory_gib} GiB, ${on.platform}`,
    `  ${Object.entries(using)
      .filter(([, version]) => version !== null)
      .map(([what, version]) => `${what} ${version}`)
      .join(', ')}`,
    '',
    line(head),
    ...rows.map(line),
    ...(notes.length === 0 ? [] : ['', ...notes]),
  ].join('\n');
}

/** Formats a number with four significant digits and no exponent. @param {number} value */
export function formatNumber(value) {
  if (value === 0) return '0';
  const digits = Math.max(0, 3 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 9));
}
