import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  controlRef,
  definePlugin,
  evaluationRef,
  readCheckpoint,
  type StepFunction,
  storageRef,
  TrainerBase,
} from '@hookline/core';
import { checkPluginContract, RecordingLogger } from '@hookline/testing';
import { checkpointer } from './checkpointer.ts';
import type { CheckpointerOptions } from './options.ts';

let output: string;
beforeEach(() => {
  output = temporaryFolder();
});

const falling: StepFunction = ({ iteration }) => 1 / (iteration + 1);
const make = (options: CheckpointerOptions, maxIterations: number, more: Partial<{ step: StepFunction }> = {}) => {
  const logger = new RecordingLogger();
  const trainer = new TrainerBase({
    step: falling,
    maxIterations,
    plugins: [checkpointer(options)],
    output,
    logger,
    ...more,
  });
  return { trainer, logger };
};
const train = async (options: CheckpointerOptions, maxIterations: number): Promise<TrainerBase> => {
  const { trainer } = make(options, maxIterations);
  await trainer.resumeOrLoad();
  await trainer.train();
  return trainer;
};
const files = async (): Promise<string[]> =>
  (await readdir(output))
    .filter((name) => name.endsWith('.safetensors'))
    .map((name) => name.replace('.safetensors', ''))
    .sort();
const tag = () => readFile(join(output, 'last_checkpoint'), 'utf8');

describe('checkpointer', () => {
  it('has the name and version of its package, and keeps the contract of plugins', async () => {
    const { name, version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(checkpointer.definition).toMatchObject({ name, version });
    await checkPluginContract({ plugin: () => checkpointer({ period: 2, maxToKeep: 1 }) });
  });

  it('saves every period by the last iteration done, and the final one alone at the end', async () => {
    await train({ period: 3 }, 9);
    expect(await files()).toEqual(['model_0000002', 'model_0000005', 'model_final']);
    expect(await tag()).toBe('model_final.safetensors');
    expect((await readCheckpoint(join(output, 'model_0000002.safetensors'))).manifest.iteration).toBe(3);
    expect((await readCheckpoint(join(output, 'model_final.safetensors'))).manifest.iteration).toBe(9);
  });

  it('takes other names, and leaves the final one or the periodic ones out', async () => {
    await train({ period: 2, final: false, prefix: 'net' }, 4);
    expect(await files()).toEqual(['net_0000001', 'net_0000003']);
    await rm(output, { recursive: true });
    await train({ period: 0 }, 4);
    expect(await files()).toEqual(['model_final']);
  });

  it('keeps the newest ones only, and never deletes the final one or what is not its own', async () => {
    const foreign = ['mine', 'model_0000001_copy', 'model_0000003'];
    for (const name of foreign) await writeFile(join(output, `${name}.safetensors`), 'foreign');
    await train({ period: 5, maxToKeep: 2 }, 22);
    expect(await files()).toEqual([...foreign, 'model_0000014', 'model_0000019', 'model_final'].sort());
  });

  it('counts what it kept also after a restart', async () => {
    await train({ period: 2, maxToKeep: 2, final: false }, 6);
    expect(await files()).toEqual(['model_0000003', 'model_0000005']);
    await writeFile(join(output, 'model_0000000.safetensors'), 'foreign');
    await train({ period: 2, maxToKeep: 2, final: false }, 8);
    expect(await files()).toEqual(['model_0000000', 'model_0000005', 'model_0000007']);
    await train({ period: 2, maxToKeep: 1, final: false }, 10);
    expect(await files()).toEqual(['model_0000000', 'model_0000009']);
  });

  it('deletes what a killed run had no time to delete, and ends with the same state', async () => {
    const state = async () => {
      const { manifest } = await readCheckpoint(join(output, 'model_final.safetensors'));
      return manifest.entries['hookline/plugins'];
    };
    await train({ period: 2, maxToKeep: 2 }, 9);
    const [whole, names] = [await state(), await files()];
    expect(names).toEqual(['model_0000005', 'model_0000007', 'model_final']);
    await rm(join(output, 'model_final.safetensors'));
    await writeFile(join(output, 'last_checkpoint'), 'model_0000007.safetensors');
    await copyFile(join(output, 'model_0000005.safetensors'), join(output, 'model_0000003.safetensors'));
    await train({ period: 2, maxToKeep: 2 }, 9);
    expect(await files()).toEqual(names);
    expect(await state()).toEqual(whole);
  });

  it('counts on from an older checkpoint, whose later ones it saves anew', async () => {
    await train({ period: 1, final: false }, 4);
    const { trainer } = make({ period: 1, maxToKeep: 2, final: false }, 5);
    await trainer.load(join(output, 'model_0000001.safetensors'));
    await trainer.train();
    expect(await files()).toEqual(['model_0000003', 'model_0000004']);
  });

  it('leaves the files of another run in the folder alone when a new one begins', async () => {
    await train({ period: 2, maxToKeep: 1, final: false }, 4);
    const { trainer } = make({ period: 3, maxToKeep: 1, final: false }, 6);
    await trainer.train();
    expect(await files()).toEqual(['model_0000003', 'model_0000005']);
  });

  it('saves when stopped, says how to go on, and goes on to the same numbers', async () => {
    const { trainer, logger } = make({}, 10, {
      step: ({ iteration }) => {
        if (iteration === 3) trainer.stop('lunch');
        return falling({ iteration, startIteration: 0, maxIterations: 10 });
      },
    });
    expect(await trainer.train()).toMatchObject({ status: 'stopped', iteration: 4 });
    expect(await files()).toEqual(['model_0000003']);
    expect(logger.lines.at(-1)).toMatch(
      /^stopped after 4 iterations \(lunch\): everything is in .*model_0000003\.safetensors\. To go on, run the same command with --resume/,
    );
    const resumed = await train({}, 10);
    expect(resumed.startIteration).toBe(4);
    expect(resumed.storage.history('total_loss').values()).toEqual(
      Array.from({ length: 10 }, (_, iteration) => ({ value: 1 / (iteration + 1), iteration })),
    );
  });

  it('saves on an interrupt, once where the period has saved already', async () => {
    const { trainer, logger } = make({ period: 4 }, 10, {
      step: ({ iteration }) => {
        // Simulates Ctrl-C; a real signal would also reach the test runner.
        if (iteration === 3) process.emit('SIGINT', 'SIGINT');
        return 1;
      },
    });
    expect(await trainer.train()).toMatchObject({ status: 'interrupted', iteration: 4 });
    expect(logger.matching('saved ')).toHaveLength(1);
    expect(logger.matching('--resume')[0]).toMatch(/^interrupted after 4 iterations \(SIGINT\)/);
  });

  it('holds what an evaluation of the last step gave, also where the period has saved before it', async () => {
    const judge = definePlugin({
      name: 'judge',
      version: '1.0.0',
      provides: ['evaluation'],
      requires: { storage: storageRef, control: controlRef },
      setup({ hooks, storage, control }) {
        hooks.afterStep.tap(({ iteration }) => {
          if (iteration !== 3) return;
          storage.putScalar('accuracy', 0.5);
          control.stop('good enough');
        });
      },
    });
    const options = { step: falling, maxIterations: 10, output, logger: new RecordingLogger() };
    await new TrainerBase({ ...options, plugins: [checkpointer({ period: 4 }), judge()] }).train();
    expect(await files()).toEqual(['model_0000003']);
    const resumed = new TrainerBase({ ...options, plugins: [checkpointer({ period: 4 })] });
    await resumed.resumeOrLoad();
    expect(resumed.iteration).toBe(4);
    expect(resumed.storage.history('accuracy').values()).toEqual([{ value: 0.5, iteration: 3 }]);
  });

  it('ends with a checkpoint that holds the evaluation of the last step, which going on from there would make again', async () => {
    const judge = definePlugin({
      name: 'judge',
      version: '1.0.0',
      provides: ['evaluation'],
      requires: { storage: storageRef, evaluation: evaluationRef },
      setup({ hooks, storage, evaluation }) {
        hooks.afterStep.tap(async (step) => {
          if (step.iteration !== 3) return;
          await evaluation.run(step);
          storage.putScalar('accuracy', 0.5);
        });
      },
    });
    for (const [options, name] of [
      [{}, 'model_final'],
      [{ period: 2, final: false }, 'model_0000003'],
    ] as const) {
      const shared = { step: falling, maxIterations: 4, output, logger: new RecordingLogger() };
      await new TrainerBase({ ...shared, plugins: [checkpointer(options), judge()] }).train();
      const resumed = new TrainerBase({ ...shared, plugins: [checkpointer(options)] });
      expect(await resumed.resumeOrLoad()).toBe(join(output, `${name}.safetensors`));
      expect(resumed.storage.history('accuracy').values()).toEqual([{ value: 0.5, iteration: 3 }]);
    }
  });

  it('saves nothing when stopped before the first step, when it may not, and after a failure', async () => {
    const early = make({}, 5).trainer;
    early.stop('never mind');
    await early.train();
    const { trainer } = make({ onStop: false }, 5, {
      step: ({ iteration }) => {
        if (iteration === 2) trainer.stop('enough');
        return 1;
      },
    });
    await trainer.train();
    const failing = make({}, 5, { step: ({ iteration }) => (iteration === 2 ? Number.NaN : 1) }).trainer;
    await expect(failing.train()).rejects.toMatchObject({ code: 'HKL_LOSS_NOT_FINITE' });
    expect(await files()).toEqual([]);
  });

  it('saves the final one also when the last step was skipped', async () => {
    const skip = definePlugin({
      name: 'skip',
      version: '1.0.0',
      setup: ({ hooks }) => hooks.stepFailed.tap(() => 'skip'),
    });
    const trainer = new TrainerBase({
      step: ({ iteration }) => (iteration === 2 ? Number.NaN : 1),
      maxIterations: 3,
      plugins: [checkpointer(), skip()],
      output,
      logger: new RecordingLogger(),
    });
    await trainer.train();
    expect(await files()).toEqual(['model_final']);
    expect((await readCheckpoint(join(output, 'model_final.safetensors'))).manifest.iteration).toBe(3);
  });

  it('saves before evaluators run, so that a failing one loses nothing', async () => {
    const evaluator = definePlugin({
      name: 'evaluator',
      version: '1.0.0',
      provides: ['evaluation'],
      setup: ({ hooks }) =>
        hooks.afterStep.tap(() => {
          throw new Error('no data');
        }),
    });
    const plugins = [evaluator(), checkpointer({ period: 1 })];
    const trainer = new TrainerBase({
      step: falling,
      maxIterations: 3,
      plugins,
      output,
      logger: new RecordingLogger(),
    });
    await expect(trainer.train()).rejects.toThrow('no data');
    expect(await files()).toEqual(['model_0000000']);
  });

  describe('while a checkpoint is written', () => {
    const SIZE = 9 * 2 ** 20;
    /** Every step fills a large tensor with its iteration, in place. */
    const filling = (options: CheckpointerOptions, maxIterations: number) => {
      const data = new Uint8Array(SIZE);
      const logger = new RecordingLogger();
      const large = definePlugin({
        name: 'large',
        version: '1.0.0',
        setup: ({ hooks }) =>
          hooks.saveState.tap((checkpoint) => checkpoint.setTensor('large', { dtype: 'uint8', shape: [SIZE], data })),
      });
      const step: StepFunction = ({ iteration }) => {
        logger.info(`step ${iteration}`);
        data.fill(iteration);
        return 1;
      };
      const plugins = [large(), checkpointer(options)];
      return { trainer: new TrainerBase({ step, maxIterations, plugins, output, logger }), logger };
    };
    const valueIn = async (name: string): Promise<Set<number>> => {
      const { tensors } = await readCheckpoint(join(output, `${name}.safetensors`));
      return new Set(tensors.get('large')?.data as Uint8Array);
    };

    it.each([true, false])('steps go on, with async: %p', async (async) => {
      const { trainer, logger } = filling({ period: 3, async, maxToKeep: 2 }, 10);
      await trainer.train();
      expect(await files()).toEqual(['model_0000005', 'model_0000008', 'model_final']);
      for (const [name, value] of [
        ['model_0000005', 5],
        ['model_0000008', 8],
        ['model_final', 9],
      ] as const)
        expect(await valueIn(name)).toEqual(new Set([value]));
      expect(await tag()).toBe('model_final.safetensors');
      // The next save waits until the previous one is written.
      const saved = (iteration: number): number =>
        logger.lines.findIndex((line) => line.includes(`saved`) && line.includes(`000000${iteration}`));
      expect(saved(2) > logger.lines.indexOf('step 3')).toBe(async);
      expect(saved(2)).toBeLessThan(saved(5));
      expect(saved(5)).toBeLessThan(logger.lines.indexOf('step 9'));
    });

    it.each([true, false])(
      'an error ends the training, and names the plugin and the file, with async: %p',
      async (async) => {
        await mkdir(join(output, 'last_checkpoint', 'in the way'), { recursive: true });
        const failing = filling({ period: 3, async, onStop: false }, 100);
        await expect(failing.trainer.train()).rejects.toThrow(
          /@hookline\/plugin-checkpointer: its tap failed: \[HKL_UNWRITABLE\] .*last_checkpoint/,
        );
        expect(failing.logger.lines).toContain('step 2');
        expect(failing.logger.lines).not.toContain('step 6');
      },
    );

    it('an error in the last steps is told at the end, and nothing is told to be saved', async () => {
      await mkdir(join(output, 'last_checkpoint', 'in the way'), { recursive: true });
      const { trainer, logger } = filling({ period: 3, onStop: false, final: false }, 4);
      await expect(trainer.train()).rejects.toThrow(/plugin-checkpointer.*HKL_UNWRITABLE.*last_checkpoint/);
      expect(logger.lines.filter((line) => line.startsWith('saved '))).toEqual([]);
    });
  });

  it.each([
    [{ period: -1 }, /option "period"/],
    [{ maxToKeep: 0 }, /option "maxToKeep"/],
    [{ prefix: '../model' }, /option "prefix": must be a plain file name/],
    [{ maxToKep: 3 } as never, /Did you mean "maxToKeep"/],
  ])('refuses %j', async (options, message) => {
    await expect(make(options, 1).trainer.train()).rejects.toThrow(message);
  });
});
