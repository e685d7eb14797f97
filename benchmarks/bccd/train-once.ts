import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CLI, ROOT } from '../lib/command-line.ts';
import { median } from '../lib/index.ts';

/** The results of one training, read from its `metrics.json`. */
export interface Training {
  /** Total time of all steps in minutes. */
  readonly minutes: number;
  readonly iterations: number;
  /** Median time of a step in seconds. */
  readonly step: number;
  /** Share of the step time spent waiting for data, 0 to 1. */
  readonly waiting: number;
  /** The last value of every metric. */
  readonly results: Readonly<Record<string, number>>;
  /** AP at each evaluation, with the minutes of steps until then. */
  readonly curve: readonly { readonly minutes: number; readonly ap: number }[];
}

/** Runs `hookline train examples/detection/FILE` in a separate process, as users do. */
export async function trainOnce(output: string, set: readonly string[], file = 'bccd.ts'): Promise<Training> {
  const args = [
    CLI,
    'train',
    `examples/detection/${file}`,
    ...[...set, `output=${output}`].flatMap((each) => ['--set', each]),
  ];
  const status = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', process.stderr, process.stderr] });
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (status !== 0) throw new Error(`hookline train ended with status ${status}; its messages are above`);
  return readTraining(await readFile(join(output, 'metrics.json'), 'utf8'));
}

function readTraining(text: string): Training {
  const records = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line, (_, value: unknown) => (value === 'NaN' ? NaN : value)) as Record<string, number>);
  const results: Record<string, number> = {};
  const curve: { minutes: number; ap: number }[] = [];
  const times: number[] = [];
  let [seconds, waited] = [0, 0];
  for (const record of records) {
    if (record['time'] !== undefined) {
      times.push(record['time']);
      seconds += record['time'];
      waited += record['data_time'] ?? 0;
    }
    Object.assign(results, record);
    if (record['bbox/AP'] !== undefined) curve.push({ minutes: seconds / 60, ap: record['bbox/AP'] });
  }
  return {
    minutes: seconds / 60,
    iterations: times.length,
    step: median(times),
    waiting: waited / seconds,
    results,
    curve,
  };
}
