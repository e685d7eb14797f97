import { definePlugin, type PluginInput, TrainerBase } from '@hookline/core';
import { z } from 'zod';
import { compareTrainers, formatDifferences, type InspectedTrainer } from './compare-trainers.ts';

const plugin = (name: string, version = '1.0.0') =>
  definePlugin({
    name,
    version,
    options: z.strictObject({ period: z.int().default(20), limits: z.object({ low: z.int() }).default({ low: 1 }) }),
    setup: () => undefined,
  });
const [clock, printer, stopper] = [plugin('acme-clock'), plugin('acme-printer'), plugin('acme-stopper')];

async function inspected(plugins: readonly PluginInput[], config: object = {}): Promise<InspectedTrainer> {
  const trainer = new TrainerBase({ maxIterations: 1, step: () => 1, plugins });
  return { ...(await trainer.describe()), config };
}

it('finds nothing between equal trainers', async () => {
  const make = () => inspected([clock(), printer({ period: 5 })], { solver: { baseLr: 0.1, steps: [1, 2] } });
  expect(formatDifferences(compareTrainers(await make(), await make()))).toMatch(/^no difference/);
});

it('tells keys of the config, options, versions, and plugins that are there in one alone', async () => {
  const before = await inspected([clock(), printer({ period: 5 })], {
    seed: 1,
    solver: { baseLr: 0.1, steps: [1, 2] },
  });
  const younger = plugin('acme-clock', '1.1.0');
  const after = await inspected([younger({ limits: { low: 3 } }), stopper()], { solver: { baseLr: 0.2, steps: [1, 3] }, ema: {} }); // prettier-ignore
  expect(formatDifferences(compareTrainers(before, after)).split('\n')).toEqual([
    '- config seed: 1',
    '  config solver.baseLr: 0.1 -> 0.2',
    '  config solver.steps: [ 1, 2 ] -> [ 1, 3 ]',
    '+ config ema: {}',
    "  plugin acme-clock.version: '1.0.0' -> '1.1.0'",
    '  plugin acme-clock.limits.low: 1 -> 3',
    '- plugin acme-printer',
    '+ plugin acme-stopper',
  ]);
});

it('tells another order of the plugins that both have', async () => {
  const before = await inspected([clock(), printer(), stopper()]);
  const after = await inspected([clock(), stopper(), printer()]);
  expect(compareTrainers(before, after)).toEqual([
    {
      about: 'order',
      what: 'of the plugins',
      before: ['acme-printer', 'acme-stopper'],
      after: ['acme-stopper', 'acme-printer'],
    },
  ]);
});
