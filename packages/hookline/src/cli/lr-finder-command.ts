import { ConsoleLogger, outputRef, stepRunnerRef } from '@hookline/core';
import { rangeTest, type RangeTestOptions, writeRangeTest } from '@hookline/plugin-lr-finder';
import { batchSourceRef, modelRef, optimizerRef, trainingStepRef } from '@hookline/tfjs';
import type { CommandLine } from './command-line.ts';
import { createTrainer } from './create-trainer.ts';
import { EXIT } from './exit-status.ts';
import { numberOption } from './number-option.ts';
import { line, print } from './print.ts';
import { columns } from './table.ts';

/** Number of points of the curve that are printed. */
const SHOWN = 20;

/**
 * `hookline lr-finder`: runs a learning-rate range test and writes its curve, and nothing else, to the run's folder.
 *
 * @returns the exit status
 */
export async function lrFinderCommand(given: CommandLine): Promise<number> {
  const { text, flag } = given;
  const [minRate, maxRate, steps] = [
    numberOption('min-rate', text.minRate, 'number'),
    numberOption('max-rate', text.maxRate, 'number'),
    numberOption('steps', text.steps, 'count'),
  ];
  const options: RangeTestOptions = {
    ...(minRate === undefined ? {} : { minRate }),
    ...(maxRate === undefined ? {} : { maxRate }),
    ...(steps === undefined ? {} : { steps }),
  };
  const trainer = await createTrainer(given, new ConsoleLogger());
  try {
    await trainer.resumeOrLoad({ resume: false });
    const parts = {
      model: await trainer.service(modelRef),
      optimizer: await trainer.service(optimizerRef),
      step: await trainer.service(trainingStepRef),
      runner: await trainer.service(stepRunnerRef),
      source: await trainer.service(batchSourceRef),
    };
    const test = await rangeTest(parts, options);
    const output = await trainer.service(outputRef);
    const files = await writeRangeTest(test, (name) => output.file(name));
    const { points, suggestion, end } = test;
    if (flag.json) print(JSON.stringify({ suggestion: suggestion ?? null, end, points, files }));
    else {
      const every = Math.max(1, Math.ceil(points.length / SHOWN));
      const rows = points
        .filter((_, i) => i % every === 0)
        .map(({ rate, loss, smoothed }) => [rate, loss, smoothed].map((value) => value.toPrecision(3)));
      print(columns([['rate', 'loss', 'smoothed'], ...rows]));
      print(`${points.length} steps; ended: ${end}`);
      print(
        suggestion === undefined
          ? 'no suggestion: the smoothed loss never fell; try other rates with --min-rate and --max-rate, or more --steps'
          : `suggestion: --set solver.baseLr=${suggestion.toPrecision(2)}, where the loss fell most steeply`,
      );
      for (const file of files) print(line(file.endsWith('.svg') ? 'plot' : 'points', file));
    }
  } finally {
    await trainer.dispose();
  }
  return EXIT.ok;
}
