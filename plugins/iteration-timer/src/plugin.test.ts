import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { ConsoleLogger, definePlugin, TrainerBase, type StepFunction } from '@hookline/core';
import { iterationTimer } from './plugin.ts';

const one: StepFunction = () => 1;

/** A logger and what it wrote. */
const recorder = () => {
  const lines: string[] = [];
  return { lines, logger: new ConsoleLogger({ stream: { write: (text) => lines.push(text.trimEnd()) } }) };
};

const busy = (milliseconds: number): void => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
};

const iterationsOf = (trainer: TrainerBase): number[] =>
  trainer.storage
    .history('time')
    .values()
    .map(({ iteration }) => iteration);

describe('iterationTimer', () => {
  it('has the name and version of its package', async () => {
    const { name, version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(iterationTimer.definition).toMatchObject({ name, version });
  });

  it.each([
    [undefined, [2, 3, 4, 5]],
    [0, [0, 1, 2, 3, 4, 5]],
    [1, [0, 1, 2, 3, 4, 5]],
    [5, [4, 5]],
  ])('with a warm-up of %s measures iterations %j of six', async (warmupIterations, expected) => {
    const { logger, lines } = recorder();
    const options = warmupIterations === undefined ? {} : { warmupIterations };
    const trainer = new TrainerBase({ step: one, maxIterations: 6, plugins: [iterationTimer(options)], logger });
    await trainer.train();
    expect(iterationsOf(trainer)).toEqual(expected);
    expect(lines[0]).toMatch(
      new RegExp(`^Overall training speed: ${expected.length} iterations in 0:00:00 \\(\\d\\.\\d{4} s / it\\)$`),
    );
    expect(lines[1]).toMatch(/^Total training time: 0:00:00 \(0:00:00 on hooks\)$/);
  });

  it('sums up no speed when nothing but warm-up ran', async () => {
    const { logger, lines } = recorder();
    await new TrainerBase({ step: one, maxIterations: 2, plugins: [iterationTimer()], logger }).train();
    expect(lines).toEqual(['Total training time: 0:00:00 (0:00:00 on hooks)']);
  });

  it('tells the throughput, and the share of waiting for data, where it is told the samples of a step', async () => {
    const { logger, lines } = recorder();
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now);
    let now = 0;
    const step: StepFunction = () => {
      now += 500;
      return { losses: { loss: 1 }, dataTime: 0.125 };
    };
    try {
      const plugins = [iterationTimer({ warmupIterations: 2, batchSize: 32 })];
      const trainer = new TrainerBase({ step, maxIterations: 5, plugins, logger });
      await trainer.train();
      expect(trainer.storage.history('samples_per_second').values()).toEqual(
        [1, 2, 3, 4].map((iteration) => ({ iteration, value: 64 })),
      );
      expect(lines[1]).toBe("Throughput: 64 samples / s; waiting for data took 25.0 % of the steps' time");
    } finally {
      clock.mockRestore();
    }
  });

  it.each([
    ['the processor alone, where there is no nvidia-smi', undefined, undefined],
    ['the mean of the GPUs too, where nvidia-smi tells it', 'test "$4" = 0,1 && echo 40 && echo 61', 50.5],
    ['the processor alone, where nvidia-smi does not tell', 'echo "[N/A]"', undefined],
  ])('stores how busy the device is: %s', async (_, script, expected) => {
    const folder = temporaryFolder();
    const clock = jest.spyOn(performance, 'now');
    const { PATH: path, CUDA_VISIBLE_DEVICES: visible } = process.env;
    try {
      process.env['CUDA_VISIBLE_DEVICES'] = '0,1';
      if (script !== undefined) await writeFile(join(folder, 'nvidia-smi'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      process.env['PATH'] = script === undefined ? folder : `${folder}:${path}`;
      const { logger, lines } = recorder();
      // A step takes half a second by the clock and is over in no time, but for the while in which the answer may come.
      let now = 0;
      clock.mockImplementation(() => now);
      const step: StepFunction = async () => {
        now += 500;
        await new Promise((done) => setTimeout(done, 30));
        return 1;
      };
      const trainer = new TrainerBase({
        step,
        maxIterations: 20,
        plugins: [iterationTimer({ deviceUse: true })],
        logger,
      });
      await trainer.train();
      const [cpu] = trainer.storage.history('cpu_percent').values();
      expect(cpu?.value).toBeGreaterThan(0);
      expect(cpu?.value).toBeLessThan(101);
      const gpus = trainer.storage.names().includes('gpu_percent')
        ? trainer.storage.history('gpu_percent').values()
        : [];
      expect(gpus[0]?.value).toBe(expected);
      const line = new RegExp(
        `^Device use: \\d+ % of \\d+ processor cores${expected === undefined ? '' : ', GPU 51 %'}$`,
      );
      expect(lines).toContainEqual(expect.stringMatching(line));
    } finally {
      clock.mockRestore();
      process.env['PATH'] = path;
      if (visible === undefined) delete process.env['CUDA_VISIBLE_DEVICES'];
      else process.env['CUDA_VISIBLE_DEVICES'] = visible;
    }
  });

  it('measures the step alone, wherever it is listed', async () => {
    const entered: number[] = [];
    const left: number[] = [];
    const slow = definePlugin({
      name: 'slow',
      version: '1.0.0',
      provides: ['evaluation'],
      setup({ hooks }) {
        hooks.afterStep.tap(() => {
          entered.push(performance.now());
          busy(30);
          left.push(performance.now());
        });
      },
    });
    const step: StepFunction = () => {
      busy(5);
      return 1;
    };
    const plugins = [slow(), iterationTimer({ warmupIterations: 0 })];
    const trainer = new TrainerBase({ step, maxIterations: 4, plugins, logger: recorder().logger });
    await trainer.train();
    const times = trainer.storage
      .history('time')
      .values()
      .map(({ value }) => value * 1000);
    // The plugin's step lies between the slow tap's end and its next beginning, whatever the machine does meanwhile.
    times.slice(1).forEach((time, index) => {
      expect(time).toBeGreaterThanOrEqual(5);
      expect(time).toBeLessThanOrEqual((entered[index + 1] ?? 0) - (left[index] ?? 0));
    });
  });

  it('tells apart the time in steps and on hooks', async () => {
    const { logger, lines } = recorder();
    const slow = definePlugin({
      name: 'slow',
      version: '1.0.0',
      setup({ hooks }) {
        hooks.afterStep.tap(() => busy(600));
      },
    });
    const plugins = [iterationTimer({ warmupIterations: 1 }), slow()];
    await new TrainerBase({ step: one, maxIterations: 2, plugins, logger }).train();
    const [, total, hooks] = /^Total training time: 0:00:(\d\d) \(0:00:(\d\d) on hooks\)$/.exec(lines[1] ?? '') ?? [];
    expect(Number(total)).toBeGreaterThanOrEqual(1);
    expect(Number(hooks)).toBeGreaterThanOrEqual(1);
  });

  it('warms up anew in every call of train', async () => {
    const { logger } = recorder();
    const trainer = new TrainerBase({ step: one, maxIterations: 4, plugins: [iterationTimer()], logger });
    await trainer.train();
    await trainer.train({ maxIterations: 8 });
    expect(iterationsOf(trainer)).toEqual([2, 3, 6, 7]);
  });

  it('goes on after a step that failed and was skipped', async () => {
    const skip = definePlugin({
      name: 'skip',
      version: '1.0.0',
      setup: ({ hooks }) => hooks.stepFailed.tap(() => 'skip'),
    });
    const step: StepFunction = ({ iteration }) => (iteration === 3 ? Number.NaN : 1);
    const { logger } = recorder();
    const trainer = new TrainerBase({ step, maxIterations: 6, plugins: [iterationTimer(), skip()], logger });
    await trainer.train();
    expect(iterationsOf(trainer)).toEqual([2, 4, 5]);
  });

  it('refuses options that make no sense', async () => {
    const train = (options: object) =>
      new TrainerBase({
        step: one,
        maxIterations: 1,
        plugins: [iterationTimer(options)],
        logger: recorder().logger,
      }).train();
    await expect(train({ warmupIterations: -1 })).rejects.toThrow(
      /\[HKL_OPTION_INVALID\] @hookline\/plugin-iteration-timer: option "warmupIterations"/,
    );
    await expect(train({ warmupIteration: 1 })).rejects.toThrow(/Did you mean "warmupIterations"/);
  });
});
