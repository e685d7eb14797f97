import { readFile } from 'node:fs/promises';
import { lrScheduler, scheduleFromConfig } from '@hookline/plugin-lr-scheduler';
import { RecordingLogger, tinyTraining } from '@hookline/testing';
import { selectDevice } from '@hookline/tfjs';
import { defineConfig } from './config/define-config.ts';

beforeAll(() => selectDevice('auto'));

/** The values of `solver` in the code blocks of a page, such as `maxIterations: 750`. */
function solversOf(text: string): Record<string, number>[] {
  return [...text.matchAll(/solver: \{([^}]*maxIterations[^}]*)\}/g)].map((found) => {
    const values: Record<string, number> = {};
    for (const each of (found[1] ?? '').matchAll(/(\w+): ([\d._]+)/g)) values[each[1] ?? ''] = Number(each[2]);
    return values;
  });
}

it.each([
  '../../../README.md',
  '../README.md',
  './default-trainer.ts',
  './define-trainer.ts',
  './config/define-config.ts',
])('the config shown in %s has a schedule that its run has room for', async (file) => {
  const solvers = solversOf(await readFile(new URL(file, import.meta.url), 'utf8'));
  expect(solvers).toHaveLength(1);
  for (const values of solvers) {
    const { solver } = defineConfig({ solver: { steps: [], ...values } }).resolve();
    const logger = new RecordingLogger();
    // The plugin warns at the start, so no step is needed.
    const trainer = tinyTraining({
      logger,
      maxIterations: solver.maxIterations,
      plugins: [lrScheduler({ schedule: scheduleFromConfig(solver) })],
    });
    trainer.stop();
    await trainer.train();
    expect(logger.matching('warning')).toEqual([]);
  }
});
