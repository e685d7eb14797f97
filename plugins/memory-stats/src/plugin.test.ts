import { readFile } from 'node:fs/promises';
import { ConsoleLogger, definePlugin, type EventStorage, type Plugin, TrainerBase } from '@hookline/core';
import { functionModel, sgd, tf, tfjsRuntime } from '@hookline/tfjs';
import { memoryStats } from './index.ts';

type Options = Parameters<typeof memoryStats>[0];

beforeAll(async () => {
  await tf.setBackend('cpu');
});

async function run(options: Options, plugins: Plugin[] = [], maxIterations = 100) {
  const text: string[] = [];
  const logger = new ConsoleLogger({ stream: { write: (chunk: string) => void text.push(chunk) }, live: false });
  const data = Array.from({ length: 4 }, () => ({ x: tf.tensor1d([1, 2]) }));
  const w = tf.variable(tf.tensor1d([3, 4]));
  const model = functionModel<{ x: tf.Tensor1D }>({
    variables: { w },
    losses: ({ x }) => x.mul(w).square().sum().asScalar(),
  });
  const runtime = tfjsRuntime({
    model,
    optimizer: (of) => sgd(of, { learningRate: 1e-4 }),
    data,
    repeat: true,
    capture: 'off',
  });
  const trainer = new TrainerBase({
    maxIterations,
    services: runtime.services,
    plugins: [...runtime.plugins, ...plugins, memoryStats(options)],
    logger,
  });
  await trainer.train();
  return { text: text.join(''), storage: trainer.storage };
}

/** A plugin that leaves tensors behind in afterStep. */
const leaky = (name: string, every: number, until = Infinity) =>
  definePlugin({
    name,
    version: '1.0.0',
    setup({ hooks }) {
      hooks.afterStep.tap(({ iteration }) => {
        tf.zeros([10]).dispose();
        if (iteration % every === 0 && iteration < until) tf.zeros([256]);
      });
    },
  })();

const doubling = definePlugin({
  name: 'doubling',
  version: '1.0.0',
  setup: ({ hooks }) =>
    hooks.gradients.tap((gradients) =>
      Object.fromEntries(Object.entries(gradients).map(([name, g]) => [name, (g as tf.Tensor).mul(2)])),
    ),
});

const series = (storage: EventStorage, name: string) =>
  storage
    .history(name)
    .values()
    .map(({ value }) => value);

describe('memoryStats', () => {
  it('has the version of its package', async () => {
    const manifest = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as object;
    expect(manifest).toMatchObject({ name: memoryStats.definition.name, version: memoryStats.definition.version });
  });

  it('stores every measurement, and logs exactly maxRuns of them', async () => {
    const { text, storage } = await run({ period: 10, maxRuns: 3 });
    expect(text.match(/^memory at iteration \d+/gm)).toEqual([9, 19, 29].map((i) => `memory at iteration ${i}`));
    expect(series(storage, 'memory/rss_mib')).toHaveLength(10);
    expect(new Set(series(storage, 'memory/tensors')).size).toBe(1);
    expect(series(storage, 'memory/rss_mib').every((mib) => mib > 10)).toBe(true);
    expect(text).toContain('Over 30 steps no plugin left tensors.');
    expect(text).not.toContain('leak');
  });

  it('counts what a plugin leaves, and the bytes of it', async () => {
    const { text, storage } = await run({ period: 10, leakWindow: false }, [leaky('leaky', 10)]);
    // 1 KiB every ten steps, the one of this step included.
    const tensors = series(storage, 'memory/tensors');
    expect(tensors.map((count) => count - (tensors[0] ?? 0))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(text).toMatch(/^leaky +\+10 +10\.0 KiB +0$/m);
    expect(text).not.toContain('leak:');
  });

  it('warns by name when tensors keep growing, once', async () => {
    const { text } = await run({ leakWindow: 20 }, [leaky('innocent', 1, 0), leaky('culprit', 2)]);
    const warnings = text.match(/^warning: @hookline\/plugin-memory-stats.*$/gm) ?? [];
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/tensors leak: 10 more after 20 steps\. culprit leaves 0\.50 per step\. Dispose/);
    expect(warnings[0]).not.toContain('innocent');
  });

  it('does not take for a leak what a sync tap makes and the step tidies up, nor a cache that fills once', async () => {
    const { text } = await run({ leakWindow: 20 }, [doubling(), leaky('cache', 1, 7)]);
    expect(text).not.toContain('warning: @hookline/plugin-memory-stats');
    expect(text).toMatch(/^doubling +0 +0 B +\+100$/m);
  });

  it('says so when the leak is in the step', async () => {
    const keeping = definePlugin({
      name: 'keeping',
      version: '1.0.0',
      setup: ({ hooks }) => hooks.losses.tap(() => void tf.keep(tf.scalar(1))),
    });
    const { text } = await run({ leakWindow: 20 }, [keeping()]);
    expect(text).toMatch(
      /warning: .*leak: 20 more after 20 steps\. 1\.0 per step come from elsewhere: the step itself.*what keeping keeps in sync hooks/,
    );
  });
});
