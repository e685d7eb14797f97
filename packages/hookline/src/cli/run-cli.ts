import { isHooklineError } from '@hookline/core';
import { type CommandLine, readCommandLine } from './command-line.ts';
import { EXIT } from './exit-status.ts';
import { printError } from './print.ts';
import { formatError } from './report-error.ts';

type RunCommand = (given: CommandLine, argv: readonly string[]) => Promise<number>;

/** Commands are imported when they run, so that `hookline --help` does not load TensorFlow. */
const COMMANDS: Readonly<Record<string, () => Promise<RunCommand>>> = {
  train: async () => (await import('./train-command.ts')).train,
  launch: async () => (await import('./launch/launch-command.ts')).launch,
  'lr-finder': async () => (await import('./lr-finder-command.ts')).lrFinderCommand,
  'batch-size': async () => (await import('./batch-size/batch-size-command.ts')).batchSizeCommand,
  eval: async () => (await import('./eval-command.ts')).evaluate,
  predict: async () => (await import('./predict-command.ts')).predict,
  export: async () => (await import('./export-command.ts')).exportCommand,
  convert: async () => (await import('./convert-command.ts')).convert,
  inspect: async () => (await import('./inspect-command.ts')).inspect,
  data: async () => (await import('./data-command.ts')).data,
  setup: async () => (await import('./setup-command.ts')).setup,
  doctor: async () => (await import('./doctor-command.ts')).doctor,
};

/**
 * Runs the command line.
 *
 * @param argv arguments without Node and script
 * @returns the exit status: 0 for success, 1 for failure, 2 for wrong usage, 130 or 143 after a signal
 */
export async function runCli(argv: readonly string[]): Promise<number> {
  try {
    const given = readCommandLine(argv);
    if (given === undefined) return EXIT.ok;
    const command = await COMMANDS[given.command]?.();
    return command === undefined ? EXIT.usage : await command(given, argv);
  } catch (error) {
    printError(formatError(error, { debug: argv.includes('--debug') }));
    return isHooklineError(error, 'HKL_USAGE') ? EXIT.usage : EXIT.failed;
  }
}
