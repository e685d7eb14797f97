import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Checkpoints,
  checkpointsRef,
  ConsoleLogger,
  definePlugin,
  type EngineHooks,
  type EventStorage,
  type HookFacades,
  type Plugin,
  storageRef,
  TrainerBase,
} from '@hookline/core';
import { writers, writersHooks } from './index.ts';

type Options = Parameters<typeof writers>[0];
interface Tools {
  readonly hooks: HookFacades<EngineHooks>;
  readonly storage: EventStorage;
  readonly checkpoints: Checkpoints;
}
const quiet = new ConsoleLogger({ level: 'silent' });
const filesOnly = { console: false, tensorboard: false } as const;

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hookline-writers-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A logger that takes its lines for those of a terminal, and keeps them. */
function recorder() {
  const text: string[] = [];
  const stream = { isTTY: true, columns: 120, write: (chunk: string) => void text.push(chunk) };
  return { text, logger: new ConsoleLogger({ stream, live: true }) };
}

const plugin = (name: string, setup: (tools: Tools) => void): Plugin =>
  definePlugin({
    name,
    version: '1.0.0',
    requires: { storage: storageRef, checkpoints: checkpointsRef },
    setup,
  })();

const trainer = (
  options: Options,
  more: Partial<ConstructorParameters<typeof TrainerBase>[0]> = {},
  others: Plugin[] = [],
) =>
  new TrainerBase({
    step: ({ iteration }) => 1 / (iteration + 1),
    maxIterations: 50,
    output: dir,
    logger: quiet,
    plugins: [writers(options), ...others],
    ...more,
  });

const lines = async () =>
  (await readFile(join(dir, 'metrics.json'), 'utf8'))
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, number>);

describe('writers', () => {
  it('shows a resumed run the time that remains by its own steps', async () => {
    const timed = (seconds: number) =>
      plugin('timer', ({ hooks, storage }) => {
        hooks.afterStep.tap(() => storage.putScalar('time', seconds));
      });
    const saves = plugin('saves', ({ hooks, checkpoints }) =>
      hooks.afterTrain.tap(async () => void (await checkpoints.save('first'))),
    );
    const early = trainer({ ...filesOnly, period: 10 }, { maxIterations: 40 }, [timed(100), saves]);
    await early.train();
    const { text, logger } = recorder();
    const late = trainer({ ...filesOnly, period: 10, progress: { refresh: 0 } }, { logger }, [timed(1)]);
    await late.load(join(dir, 'first.safetensors'));
    await late.train();
    // The first line comes before the first time of this run is put: the writers are first here.
    const etas = text.flatMap((line) => /eta (\S+)/.exec(line)?.[1] ?? []);
    expect(etas.slice(-3)).toEqual(['0:02', '0:01', '0:00']);
    expect((await lines()).find(({ iteration }) => iteration === 49)?.['eta_seconds']).toBe(0);
    expect(text.join('')).not.toMatch(/eta \d\d:/);
  });

  it('smooths over windowSize iterations', async () => {
    await trainer({ console: false, tensorboard: false, windowSize: 3, json: { values: 'latest' } }).train();
    expect((await lines()).map(({ total_loss }) => total_loss)).toEqual([1 / 19, 1 / 39, 1 / 49]);
  });

  it('hands a batch to every plugin that taps write, also after one that throws', async () => {
    const names: string[] = [];
    const writer = (name: string, write: () => void) =>
      definePlugin({
        name,
        version: '1.0.0',
        before: ['writing'],
        requires: { writers: writersHooks },
        setup: ({ writers: hooks }) => hooks.write.tap(write),
      })();
    const broken = writer('broken', () => {
      throw new Error('no network');
    });
    const other = writer('other', () => void names.push('other'));
    const training = trainer({ ...filesOnly, json: false }, { maxIterations: 20 }, [broken, other]);
    await expect(training.train()).rejects.toThrow(/no network/);
    expect(names).toEqual(['other']);
  });

  it('writes everything else when a scalar cannot be read', async () => {
    const odd = plugin('odd', ({ hooks, storage }) =>
      hooks.afterStep.tap(({ iteration }) => {
        if (iteration === 18) storage.putScalar('odd', { read: () => Promise.reject(new Error('device lost')) });
      }),
    );
    await expect(trainer(filesOnly, { maxIterations: 20 }, [odd]).train()).rejects.toThrow(/device lost/);
    expect((await lines()).map(({ iteration }) => iteration)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });
});
