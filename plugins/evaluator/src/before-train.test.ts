import { join } from 'node:path';
import { TrainerBase } from '@hookline/core';
import { checkPluginContract, RecordingLogger, saveAt } from '@hookline/testing';
import type { EvaluateContext } from './options.ts';
import { evaluator } from './plugin.ts';

const make = (seen: number[], output?: string) => {
  const evaluate = ({ step }: EvaluateContext) => {
    seen.push(step.iteration);
    return { accuracy: seen.length / 10 };
  };
  return new TrainerBase({
    step: () => 1,
    maxIterations: 6,
    logger: new RecordingLogger(),
    plugins: [evaluator({ period: 3, evaluate, evalBeforeTrain: true }), saveAt(output === undefined ? -1 : 4, 'here')],
    ...(output === undefined ? {} : { output }),
  });
};

describe('evalBeforeTrain', () => {
  it('evaluates before the first step too, and stores the results under iteration 0', async () => {
    const seen: number[] = [];
    const trainer = make(seen);
    await trainer.train();
    expect(seen).toEqual([0, 2, 5]);
    const stored = trainer.storage.history('accuracy').values();
    expect(stored.map(({ iteration, value }) => [iteration, value])).toEqual([
      [0, 0.1],
      [2, 0.2],
      [5, 0.3],
    ]);
    await trainer.train({ maxIterations: 7 });
    expect(seen).toEqual([0, 2, 5, 6]);
  });

  it('does not evaluate first where a run is resumed, and keeps the contract of plugins', async () => {
    const output = temporaryFolder();
    await make([], output).train();
    const seen: number[] = [];
    const resumed = make(seen, output);
    await resumed.load(join(output, 'here.safetensors'));
    await resumed.train();
    expect(seen).toEqual([5]);

    await checkPluginContract({
      plugin: () =>
        evaluator({ period: 2, evalBeforeTrain: true, evaluate: ({ step }) => ({ value: step.iteration }) }),
    });
  });

  it('fails before the first step where the evaluation does', async () => {
    const trainer = new TrainerBase({
      step: () => 1,
      maxIterations: 3,
      logger: new RecordingLogger(),
      plugins: [
        evaluator({
          evalBeforeTrain: true,
          evaluate: () => {
            throw new Error('no such file');
          },
        }),
      ],
    });
    await expect(trainer.train()).rejects.toThrow(/no such file/);
    expect(trainer.iteration).toBe(0);
  });
});
