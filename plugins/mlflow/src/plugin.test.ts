import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { definePlugin, type PluginInput, storageRef, TrainerBase } from '@hookline/core';
import { checkPluginContract, RecordingLogger, saveAt } from '@hookline/testing';
import { FakeServer } from './fake-server.test.support.ts';
import { flattenParams } from './flatten-params.ts';
import type { MlflowOptions } from './options.ts';
import { mlflow } from './plugin.ts';

let output: string;
let server: FakeServer;
beforeEach(async () => {
  output = temporaryFolder();
  server = new FakeServer();
  await server.listen();
});
afterEach(async () => {
  await server.close();
});

const make = (
  options: MlflowOptions = {},
  maxIterations = 6,
  plugins: readonly PluginInput[] = [],
  onStep = () => {},
) => {
  const logger = new RecordingLogger();
  const trainer = new TrainerBase({
    step: ({ iteration }) => {
      onStep();
      return iteration;
    },
    maxIterations,
    output,
    logger,
    // What a server that does not answer may hold the end up for.
    disposeTimeout: server.mode === 'ok' || server.mode === 'refuse' ? 30_000 : 300,
    plugins: [...plugins, mlflow({ url: server.url, experiment: 'tests', period: 2, ...options })],
  });
  return { trainer, logger };
};
/** The values of the loss by step, sent once or several times. */
const losses = (run = 0): Record<number, number | string> =>
  Object.fromEntries(
    (server.runs[run]?.metrics ?? []).filter(({ key }) => key === 'total_loss').map(({ step, value }) => [step, value]),
  );
const upTo = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, step) => [step, step]));

describe('mlflow', () => {
  it('has the name and version of its package, and keeps the contract of plugins', async () => {
    const { name, version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(mlflow.definition).toMatchObject({ name, version });
    await checkPluginContract({ plugin: () => mlflow({ url: server.url }), iterations: 3 });
  });

  it('sends parameters, tags, all metrics and how the run ended', async () => {
    const puts = definePlugin({
      name: 'puts',
      version: '1.0.0',
      before: ['writing'],
      requires: { storage: storageRef },
      setup: ({ hooks, storage }) => hooks.afterStep.tap(() => storage.putScalar('AP (small)', Number.NaN)),
    });
    const params = { solver: { baseLr: 0.1, steps: [3, 5] }, seed: 1 };
    const { trainer } = make({ params, tags: { team: 'a' } }, 5, [puts()]);
    await trainer.train();
    const [run] = server.runs;
    expect(losses()).toEqual(upTo(5));
    expect(run?.metrics.find(({ key }) => key === 'AP _small_')?.value).toBe('NaN');
    expect(run?.statuses).toEqual(['RUNNING', 'FINISHED']);
    expect(run?.tags).toContainEqual({ key: 'team', value: 'a' });
    expect(run?.params).toEqual([
      { key: 'solver.baseLr', value: '0.1' },
      { key: 'solver.steps', value: '[3,5]' },
      { key: 'seed', value: '1' },
    ]);
    // Nothing is left to be sent.
    expect((await readdir(join(output, 'mlflow'))).filter((name) => name.endsWith('.jsonl'))).toEqual([]);
  });

  it('says that a run has failed', async () => {
    const { trainer } = make({}, 3, [], () => {
      throw new Error('broken');
    });
    await expect(trainer.train()).rejects.toThrow('broken');
    expect(server.runs[0]?.statuses).toEqual(['RUNNING', 'FAILED']);
  });

  it.each(['error', 'hang', 'dead'] as const)(
    'trains on while the server is out of order (%s), keeps everything, and sends it when the run goes on',
    async (mode) => {
      server.mode = mode;
      if (mode === 'dead') await server.close();
      const first = make({}, 6, [saveAt(5, 'here')]);
      expect(await first.trainer.train()).toMatchObject({ status: 'completed', iteration: 6 });
      expect(first.logger.lines.join('\n')).toMatch(
        /\d messages were not sent; they are kept in .*mlflow and will be sent when the run is/,
      );
      server.mode = 'ok';
      if (mode === 'dead') await server.listen();
      const { trainer } = make({}, 8);
      await trainer.load(join(output, 'here.safetensors'));
      await trainer.train();
      expect(server.runs).toHaveLength(1);
      expect(losses()).toEqual(upTo(8));
      expect(server.runs[0]?.statuses).toEqual(['RUNNING', 'FINISHED', 'RUNNING', 'FINISHED']);
    },
  );

  it('makes one run, also where the answer to making it got lost', async () => {
    server.mode = 'lost';
    await make().trainer.train();
    server.mode = 'ok';
    // A new run in the same folder is another one, and sends what the first one has left.
    await make().trainer.train();
    expect(server.runs).toHaveLength(2);
    expect([losses(0), losses(1)]).toEqual([upTo(6), upTo(6)]);
  });

  it('puts aside what the server refuses, and tells of it', async () => {
    server.mode = 'refuse';
    const { trainer, logger } = make();
    await trainer.train();
    expect(server.runs[0]?.statuses).toEqual(['RUNNING', 'FINISHED']);
    expect(logger.lines.join('\n')).toContain('the server refuses a message, which is put aside in mlflow/');
    expect((await readdir(join(output, 'mlflow'))).filter((name) => name.endsWith('.refused.jsonl'))).toHaveLength(1);
  });

  it('asks for a server where none is given, before the first step', async () => {
    const trainer = new TrainerBase({
      step: () => 1,
      maxIterations: 1,
      output,
      plugins: [mlflow()],
      logger: new RecordingLogger(),
    });
    await expect(trainer.train()).rejects.toThrow(
      '[HKL_MLFLOW_SERVER] @hookline/plugin-mlflow: its server is not given',
    );
  });

  it('flattens parameters to names and texts that MLflow takes', () => {
    expect(flattenParams({ a: { 'b:c': null, d: () => 1 }, e: 'x', f: {} })).toEqual({
      'a.b_c': 'null',
      e: 'x',
      f: '{}',
    });
  });
});
