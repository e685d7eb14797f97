import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TimedSize } from './time-steps.ts';

/** The result for a batch size: its measurements, or the reason why it failed. */
export type TriedSize =
  TimedSize | { readonly batchSize: number; readonly failure: string; readonly isMemory: boolean };

/** Messages of TensorFlow, CUDA and C++ when memory runs out. */
const OUT_OF_MEMORY =
  /out of memory|\bOOM\b|bad_alloc|ResourceExhausted|RESOURCE_EXHAUSTED|failed to allocate|heap limit|Array buffer allocation failed/i;

/**
 * Times one batch size in a separate process, so that this process survives if memory runs out.
 *
 * @param args command-line arguments of that process, without Node and script
 */
export async function trySize(batchSize: number, args: readonly string[]): Promise<TriedSize> {
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1] as string, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  if (status === 0) return JSON.parse(said.out.trim().split('\n').at(-1) ?? '') as TimedSize;
  return failureOf(batchSize, signal, said.err);
}

/** Explains why a process that timed a batch size has failed. */
export function failureOf(batchSize: number, signal: string | null, err: string): TriedSize {
  const errors = err.split('\n').filter((text) => /error:|caused by:/.test(text));
  const memory = err.split('\n').find((text) => OUT_OF_MEMORY.test(text));
  // A SIGKILL usually comes from the kernel for lack of memory; C++ calls abort() if an allocation fails.
  const isMemory = memory !== undefined || signal === 'SIGKILL' || signal === 'SIGABRT';
  const what = isMemory ? (memory ?? '') : ((errors.join(' ') || err.trim().split('\n').at(-1)) ?? '');
  const failure = [isMemory ? 'out of memory' : 'failed', signal === null ? '' : `by ${signal}`, what.trim()].filter(
    (part) => part !== '',
  );
  return { batchSize, failure: failure.join(': '), isMemory };
}
