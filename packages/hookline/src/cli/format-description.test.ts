import { definePlugin, definePreset, TrainerBase } from '@hookline/core';
import { formatDescription } from './format-description.ts';

const clock = definePlugin({
  name: '@hookline/plugin-clock',
  version: '1.2.3',
  description: 'counts',
  provides: ['timing'],
  writes: ['metrics/time'],
  before: ['writing'],
  setup({ hooks }) {
    hooks.beforeStep.tap(() => undefined);
    hooks.afterStep.tap(() => undefined);
  },
});

const printer = definePlugin({
  name: 'acme-plugin-printer',
  version: '0.4.0',
  provides: ['writing'],
  after: ['timing'],
  setup({ hooks }) {
    hooks.afterStep.tap(() => undefined);
  },
});

const preset = definePreset({
  name: '@hookline/preset-small',
  version: '1.0.0',
  plugins: () => [printer()],
});

async function describeSmall(): Promise<string> {
  const trainer = new TrainerBase({ maxIterations: 1, step: () => 1, plugins: [preset(), clock()] });
  return formatDescription(await trainer.describe());
}

describe('formatDescription', () => {
  it('shows plugins in order, who added them, why they are there and what they tap', async () => {
    const text = await describeSmall();
    expect(text).toContain(
      [
        'Plugins, in the order in which they run (2)',
        '  1. clock 1.2.3: counts',
        '     added by    you',
        '     why here    before printer (timing, writing)',
        '     taps        beforeStep, afterStep',
        '     provides    timing',
        '     writes      metrics/time',
        '  2. printer 0.4.0',
        '     added by    preset-small',
        '     why here    after clock (timing, writing)',
        '     taps        afterStep',
      ].join('\n'),
    );
  });

  it('shows hooks with their taps in order, and services', async () => {
    const text = await describeSmall();
    expect(text).toMatch(/^ {2}afterStep +AsyncSeries +clock, printer$/m);
    expect(text).toMatch(/^ {2}losses +SyncWaterfall +-$/m);
    expect(text).toMatch(/^ {2}storage +core +/m);
  });

  it('keeps to 100 columns', async () => {
    const widths = (await describeSmall()).split('\n').map((line) => line.length);
    expect(Math.max(...widths)).toBeLessThanOrEqual(100);
  });
});
