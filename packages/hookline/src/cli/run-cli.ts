import { isHooklineError } from '@hookline/core';
import { type CommandLine, readCommandLine } from './command-line.ts';
import { EXIT } from './exit-status.ts';
import { printError } from './print.ts';
import { formatError } from './report-error.ts';

type RunCommand = (given: CommandLine, argv: readonly string[]) => Promise<number>;

/** Commands load what they need when they run: `hookline --help` needs no TensorFlow. */
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
 * @param argv without Node and script
 * @returns the exit status: 0, 1 failed, 2 not understood, 130 or 143 ended by a signal
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
