import { ConsoleLogger, HooklineError, type Results } from '@hookline/core';
import type { CommandLine } from './command-line.ts';
import { createTrainer } from './create-trainer.ts';
import { EXIT } from './exit-status.ts';
import { loadCheckpoint } from './load-checkpoint.ts';
import { print, shown } from './print.ts';
import { columns } from './table.ts';

/** `hookline eval`. @returns the exit status */
export async function evaluate(given: CommandLine): Promise<number> {
  const logger = new ConsoleLogger();
  const trainer = await createTrainer(given, logger);
  const file = await loadCheckpoint(trainer, given);
  logger.info(`evaluating ${shown(file)}, iteration ${trainer.iteration}`);
  const results = await trainer.evaluate();
  await trainer.dispose();
  const rows = flatten(results);
  if (rows.length === 0) {
    throw new HooklineError('HKL_NO_EVALUATOR', 'nothing was evaluated', {
      who: given.file,
      fix: 'Give buildEvaluator to defineTrainer({ ... }), or add a plugin that taps `evaluate`',
    });
  }
  print(given.flag.json ? JSON.stringify(results) : columns(rows));
  return EXIT.ok;
}

/** Nested results as rows of name and number. */
function flatten(results: Results, prefix = ''): string[][] {
  return Object.entries(results).flatMap(([name, value]) =>
    typeof value === 'number' ? [[prefix + name, String(value)]] : flatten(value, `${prefix}${name}/`),
  );
}
