import { alignColumns } from '@hookline/core';
import type { Balance, TensorCount } from './tap-balance.ts';

/** Memory of the process in bytes. */
export interface ProcessMemory {
  /** Resident memory of the process. */
  readonly rss: number;
  /** Memory in use by JavaScript objects. */
  readonly heapUsed: number;
}

/** Formats one measurement as a log line. */
export function memoryLine(
  iteration: number,
  now: TensorCount,
  before: TensorCount | undefined,
  memory: ProcessMemory,
): string {
  const change =
    before === undefined ? '' : ` (${signed(now.tensors - before.tensors)} tensors since the last measurement)`;
  return (
    `memory at iteration ${iteration}: ${now.tensors} tensors of ${formatBytes(now.bytes)}${change}; ` +
    `process ${formatBytes(memory.rss)}, of it JavaScript ${formatBytes(memory.heapUsed)}`
  );
}

/** Formats a table of the tensors that each plugin's taps left; plugins that left none are omitted. */
export function balanceTable(balances: ReadonlyMap<string, Balance>, steps: number): string {
  const rows = [...balances]
    .filter(([, { host, step }]) => host.tensors !== 0 || step.tensors !== 0)
    .sort(([, a], [, b]) => b.host.bytes - a.host.bytes)
    .map(([plugin, { host, step }]) => [plugin, signed(host.tensors), formatBytes(host.bytes), signed(step.tensors)]);
  if (rows.length === 0) return `Over ${steps} steps no plugin left tensors.`;
  const table = [['plugin', 'left on the host', 'bytes', 'made in steps'], ...rows];
  const lines = alignColumns(table, (column) => column > 0);
  return [`Tensors by plugin over ${steps} steps:`, ...lines].join('\n');
}

/** Formats a number of bytes. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let [value, unit] = [bytes, 0];
  while (Math.abs(value) >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? ''}`;
}

function signed(value: number): string {
  return value > 0 ? `+${value}` : String(value);
}
