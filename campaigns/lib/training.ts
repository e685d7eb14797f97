import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { readCheckpoint } from '@hookline/core';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CLI = join(ROOT, 'packages', 'hookline', 'bin', 'hookline.js');
const TRAINER = join(ROOT, 'campaigns', 'lib', 'trainer.ts');

/**
 * Config values for short versions of the campaigns. Most of the time is spent on starting processes. The short training
 * still has a dozen checkpoints, evaluations and precise statistics, and lasts longer than the longest delay of an attack.
 */
export const SHORT = ['solver.maxIterations=120', 'test.evalPeriod=30'];

/** The exit status of a process, and its output. */
export interface End {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly text: string;
}

/** A running `hookline train --resume`. */
export interface Training {
  readonly process: ChildProcess;
  /** Settles when the process has logged its first iteration, or has ended. */
  readonly begun: Promise<void>;
  readonly end: Promise<End>;
}

/**
 * Starts or resumes the campaigns' training in a separate process, as users do.
 *
 * @param ranks number of ranks for `hookline launch`; undefined for a single process with `hookline train`
 */
export function startTraining(output: string, set: readonly string[] = [], ranks?: number): Training {
  const options = ['--resume', '--output', output, ...set.flatMap((each) => ['--set', each])];
  const command = ranks === undefined ? ['train'] : ['launch', '-n', String(ranks)];
  const child = spawn(process.execPath, [CLI, ...command, TRAINER, ...options], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  let hasBegun = (): void => undefined;
  const begun = new Promise<void>((resolve) => (hasBegun = resolve));
  const listen = (chunk: Buffer): void => {
    text += chunk.toString();
    if (/^(beginning|resuming):/m.test(text)) hasBegun();
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  const end = new Promise<End>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => {
      hasBegun();
      resolve({ status, signal, text });
    });
  });
  return { process: child, begun, end };
}

/** Trains to the end. @throws Error with the output of the training if it fails */
export async function finishTraining(output: string, set: readonly string[] = [], ranks?: number): Promise<End> {
  const end = await startTraining(output, set, ranks).end;
  if (end.status !== 0) throw new Error(`hookline train ended with ${end.status ?? end.signal}:\n${tail(end.text)}`);
  return end;
}

/** The last lines of a text. */
export const tail = (text: string, lines = 12): string => text.trim().split('\n').slice(-lines).join('\n');

/** Whether the value of this name depends on the clock or on the machine's load. */
const isOfTheClock = (name: string): boolean => /time|eta|memory|created|sha256|seconds/.test(name);

function timeless(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(timeless);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([name]) => !isOfTheClock(name));
  return Object.fromEntries(entries.map(([name, each]) => [name, timeless(each)]));
}

/** The results of a training, without values that depend on the clock: tensors by name, plugin state, metrics, file names. */
export async function resultOf(output: string): Promise<Readonly<Record<string, unknown>>> {
  const { manifest, tensors } = await readCheckpoint(join(output, 'model_final.safetensors'));
  const lines = (await readFile(join(output, 'metrics.json'), 'utf8')).trim().split('\n');
  // A run that was ended before its first checkpoint starts anew, and keeps the metrics of before as metrics.1.json.
  const files = (await readdir(output)).filter((name) => !/^events\.|\.lock|^metrics\.\d+\.json$/.test(name)).sort();
  return {
    iteration: manifest.iteration,
    ...Object.fromEntries([...tensors].map(([name, { data }]) => [`tensor ${name}`, Buffer.from(data.buffer)])),
    ...Object.fromEntries(Object.entries(manifest.entries).map(([key, entry]) => [`state ${key}`, timeless(entry)])),
    'metrics.json': lines.map((line) => timeless(JSON.parse(line))),
    'names of files': files,
  };
}

/** The paths at which two results differ, including values that are missing on one side or have another type. */
export function differences(a: unknown, b: unknown, path = ''): string[] {
  if (isDeepStrictEqual(a, b)) return [];
  if (!isNested(a) || !isNested(b) || Array.isArray(a) !== Array.isArray(b)) {
    return [isNested(a) || isNested(b) ? path : `${path} (${String(a)} and ${String(b)})`];
  }
  const [left, right] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  const names = new Set([...left.keys(), ...right.keys()]);
  return [...names].flatMap((name) =>
    differences(left.get(name), right.get(name), path === '' ? name : `${path} > ${name}`),
  );
}

const isNested = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);
