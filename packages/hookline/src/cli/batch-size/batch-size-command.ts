import { availableMemory } from 'node:process';
import { ConsoleLogger, HooklineError } from '@hookline/core';
import type { CommandLine } from '../command-line.ts';
import { EXIT } from '../exit-status.ts';
import { numberOption } from '../number-option.ts';
import { print } from '../print.ts';
import { columns } from '../table.ts';
import { settingsOf, withThrowawayTrainer } from '../create-trainer.ts';
import { describeThroughput, nextMemory, samplesPerSecond, scaledRate, suggestSize } from './suggest-size.ts';
import { type TimedSize, timeSteps } from './time-steps.ts';
import { trySize, type TriedSize } from './try-size.ts';

const DEFAULTS = { max: 1024, steps: 10 };
const MIB = 2 ** 20;
const LARGEST_TRIED = 'the largest size that was tried; set --max to try larger ones';

/** The config keys that the command changes or reads. */
interface Solver {
  readonly batchSize: number;
  readonly baseLr?: number;
}

/**
 * `hookline batch-size`: times steps with batches of 1, 2, 4, ..., each in a separate process, until one does not fit. Reports the largest size that
 * fits, and the size from which on larger batches give no more samples per second.
 *
 * @returns the exit status
 */
export async function batchSizeCommand(given: CommandLine): Promise<number> {
  const steps = numberOption('steps', given.text.steps, 'count') ?? DEFAULTS.steps;
  const at = numberOption('at', given.text.at, 'count');
  if (at !== undefined) return timeOne(given, at, steps);
  const max = numberOption('max', given.text.max, 'count') ?? DEFAULTS.max;
  const logger = new ConsoleLogger();
  const solver = await solverOf(given);
  const tried: TriedSize[] = [];
  const timed: TimedSize[] = [];
  let end: string | undefined;
  for (let size = 1; size <= max; size *= 2) {
    const memory = nextMemory(timed);
    if (memory !== undefined && memory > availableMemory()) {
      end = `${size} was not tried: it would need about ${mib(memory)}, and ${mib(availableMemory())} are free`;
      break;
    }
    logger.status(`timing batches of ${size}`);
    const found = await trySize(size, argumentsOf(given, size, steps));
    tried.push(found);
    if ('failure' in found) {
      if (timed.length === 0) throw nothingFits(given.file, found.failure);
      end = found.isMemory ? `${size} does not fit` : `${size} fails`;
      break;
    }
    timed.push(found);
  }
  logger.status(undefined);
  report(given, solver, { tried, timed, end });
  return EXIT.ok;
}

async function timeOne(given: CommandLine, size: number, steps: number): Promise<number> {
  const set = [...given.set, `solver.batchSize=${size}`];
  await withThrowawayTrainer('batch-size', { ...given, set }, new ConsoleLogger({ level: 'warn' }), async (trainer) => {
    const timed = await timeSteps(trainer, size, steps);
    print(given.flag.json ? JSON.stringify(timed) : table([timed]));
  });
  return EXIT.ok;
}

/** @throws HooklineError `HKL_BATCH_SIZE` if the trainer's config has no batch size */
async function solverOf(given: CommandLine): Promise<Solver> {
  const { config } = await settingsOf(given, new ConsoleLogger({ level: 'warn' }));
  const { solver } = config as { readonly solver?: Partial<Solver> };
  if (typeof solver?.batchSize === 'number') return solver as Solver;
  throw new HooklineError('HKL_BATCH_SIZE', 'its trainer has no config key solver.batchSize', {
    who: given.file,
    fix: 'Make it with defineTrainer, and let buildTrainLoader use config.solver.batchSize',
  });
}

function argumentsOf({ file, set, text }: CommandLine, size: number, steps: number): string[] {
  const device = text.device === undefined ? [] : [`--device=${text.device}`];
  const sets = set.flatMap((each) => ['--set', each]);
  return ['batch-size', ...sets, ...device, `--steps=${steps}`, `--at=${size}`, '--json', '--', file];
}

interface Found {
  readonly tried: readonly TriedSize[];
  readonly timed: readonly TimedSize[];
  /** Why no larger size was tried; undefined if only --max forbids it. */
  readonly end: string | undefined;
}

function report({ flag }: CommandLine, { batchSize, baseLr }: Solver, { tried, timed, end }: Found): void {
  const suggested = suggestSize(timed);
  const size = suggested?.batchSize ?? batchSize;
  const rate = baseLr === undefined ? undefined : Number(scaledRate(baseLr, batchSize, size).toPrecision(3));
  const largest = timed.at(-1)?.batchSize;
  if (flag.json) {
    print(JSON.stringify({ tried, largest, end: end ?? LARGEST_TRIED, suggestion: { batchSize: size, baseLr: rate } }));
    return;
  }
  print(table(tried));
  print(`largest:    ${largest ?? ''} (${end ?? LARGEST_TRIED})`);
  const rates = rate === undefined ? '' : ` --set solver.baseLr=${rate}`;
  print(`suggestion: --set solver.batchSize=${size}${rates}`);
  const rule =
    rate === undefined
      ? ''
      : `; the rate is that of batches of ${batchSize}, ${baseLr ?? ''}, by the linear scaling rule`;
  print(`            ${describeThroughput({ size, largest, isLimited: end !== undefined })}${rule}`);
}

/** A number with three significant digits and without an exponent: 1034 is 1030. */
const threeDigits = (value: number): string => {
  const text = value.toPrecision(3);
  return text.includes('e') ? String(Number(text)) : text;
};

const mib = (bytes: number): string => `${Math.round(bytes / MIB).toLocaleString('en-US')} MiB`;

function table(tried: readonly TriedSize[]): string {
  const rows = tried.map((size) =>
    'failure' in size
      ? [String(size.batchSize), size.failure]
      : [
          String(size.batchSize),
          threeDigits(size.secondsPerStep * 1000),
          threeDigits(samplesPerSecond(size)),
          mib(size.memory),
        ],
  );
  return columns([['batch', 'ms/step', 'samples/s', 'memory'], ...rows]);
}

const nothingFits = (file: string, failure: string): HooklineError =>
  new HooklineError('HKL_BATCH_SIZE', `training fails even with a batch of 1: ${failure}`, {
    who: file,
    fix: 'Try `hookline train FILE --fast-dev-run`, which shows what is wrong',
  });
