import { spawn } from 'node:child_process';
import type { TimedSize } from './time-steps.ts';

/** What became of a batch size: its times, or why there are none. */
export type TriedSize =
  TimedSize | { readonly batchSize: number; readonly failure: string; readonly isMemory: boolean };

/** What TensorFlow, CUDA and C++ say when memory runs out. */
const OUT_OF_MEMORY =
  /out of memory|\bOOM\b|bad_alloc|ResourceExhausted|RESOURCE_EXHAUSTED|failed to allocate|heap limit|Array buffer allocation failed/i;

/**
 * Times one batch size in a process of its own, whose end for want of memory is survived here.
 *
 * @param args of the command line that times it, without Node and script
 */
export async function trySize(batchSize: number, args: readonly string[]): Promise<TriedSize> {
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1] ?? '', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  const { status, signal } = await new Promise<{ status: number | null; signal: string | null }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, by) => resolve({ status: code, signal: by }));
  });
  if (status === 0) return JSON.parse(said.out.trim().split('\n').at(-1) ?? '') as TimedSize;
  return failureOf(batchSize, signal, said.err);
}

/** Why a process that timed a batch size has failed. */
export function failureOf(batchSize: number, signal: string | null, err: string): TriedSize {
  const errors = err.split('\n').filter((text) => /error:|caused by:/.test(text));
  const memory = err.split('\n').find((text) => OUT_OF_MEMORY.test(text));
  // Whoever ends a process by SIGKILL is the kernel, as a rule; abort() is what C++ does without memory.
  const isMemory = memory !== undefined || signal === 'SIGKILL' || signal === 'SIGABRT';
  const what = isMemory ? (memory ?? '') : ((errors.join(' ') || err.trim().split('\n').at(-1)) ?? '');
  const failure = [isMemory ? 'out of memory' : 'failed', signal === null ? '' : `by ${signal}`, what.trim()].filter(
    (part) => part !== '',
  );
  return { batchSize, failure: failure.join(': '), isMemory };
}
