import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { definePlugin, type PluginInput } from '@hookline/core';
import { tinyBatches, tinyTraining } from '@hookline/testing';
import { selectDevice } from '@hookline/tfjs';
import { presetDefault, type PresetDefaultOptions } from './index.ts';

let output: string;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  output = temporaryFolder();
});

const EVERYTHING: PresetDefaultOptions = {
  lrScheduler: { schedule: { type: 'cosine' } },
  preciseBn: { loader: tinyBatches },
  evaluator: { period: 4, evaluate: ({ step }) => ({ accuracy: step.iteration / 10 }) },
  bestCheckpointer: { metric: 'accuracy' },
  writers: { tensorboard: false, period: 100 },
};
const ORDER = [
  'iteration-timer',
  'lr-scheduler',
  'precise-bn',
  'checkpointer',
  'evaluator',
  'checkpointer/best',
  'writers',
];

const namesOf = async (...plugins: PluginInput[]): Promise<string[]> => {
  const { plugins: described } = await tinyTraining({ plugins, output }).describe();
  return described.filter(({ id }) => !id.startsWith('@hookline/tfjs')).map(({ shortName }) => shortName);
};

describe('presetDefault', () => {
  it("has detectron2's default order", async () => {
    expect(await namesOf(presetDefault(EVERYTHING))).toEqual(ORDER);
  });

  it('leaves out what needs an option that is not given, and what is switched off', async () => {
    expect(await namesOf(presetDefault())).toEqual(['iteration-timer', 'checkpointer', 'evaluator', 'writers']);
    expect(await namesOf(presetDefault({ ...EVERYTHING, iterationTimer: false, checkpointer: false }))).toEqual(
      ORDER.filter((name) => name !== 'iteration-timer' && name !== 'checkpointer'),
    );
  });

  it('refuses an option that there is not', () => {
    expect(() => presetDefault({ checkpoint: { period: 3 } } as never)).toThrow(
      '[HKL_OPTION_UNKNOWN] @hookline/preset-default: it has no option "checkpoint". Did you mean "checkpointer"? Known: bestCheckpointer, checkpointer',
    );
  });

  it.each(['plugins/preset-default/README.md', 'docs/presets.md'])('holds what %s leaves out of it', async (file) => {
    const text = await readFile(join(import.meta.dirname, '../../..', file), 'utf8');
    const names = [...text.matchAll(/presetDefault\(.*\)\.without\('([^']+)'\)/g)].map(([, name = '']) => name);
    expect(names).not.toEqual([]);
    expect(await namesOf(presetDefault().without(...names))).not.toContain(names[0]);
  });

  it('puts plugins that are listed behind it in their places by their labels', async () => {
    const named = (name: string, order: { provides?: string[]; before?: string[]; after?: string[] }) =>
      definePlugin({ name, version: '1.0.0', ...order, setup() {} })();
    const averaging = named('averaging-of-mine', { provides: ['averaging'], before: ['statistics'] });
    const metric = named('metric-of-mine', { provides: ['metrics'], after: ['evaluation'] });
    const names = await namesOf(presetDefault(EVERYTHING), metric, averaging);
    const at = (name: string): number => names.indexOf(name);
    expect(names.filter((name) => !name.endsWith('of-mine'))).toEqual(ORDER);
    expect(at('averaging-of-mine')).toBeLessThan(at('precise-bn'));
    expect(at('metric-of-mine')).toBeGreaterThan(at('evaluator'));
    expect(at('metric-of-mine')).toBeLessThan(at('checkpointer/best'));
    expect(at('metric-of-mine')).toBeLessThan(at('writers'));
  });

  it('writes results of the very step that they belong to, at odd periods and at the last step', async () => {
    await tinyTraining({ plugins: [presetDefault(EVERYTHING)], output, maxIterations: 10 }).train();
    const lines = (await readFile(join(output, 'metrics.json'), 'utf8')).trim().split('\n');
    const records = lines.map((line) => JSON.parse(line) as { iteration: number; accuracy?: number; lr: number });
    expect(records.map(({ iteration }) => iteration)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(
      records.flatMap(({ iteration, accuracy }) => (accuracy === undefined ? [] : [[iteration, accuracy]])),
    ).toEqual([
      [3, 0.3],
      [7, 0.7],
      [9, 0.9],
    ]);
    // 0.05 at the beginning, and the rate that was used, not the next one.
    expect(records[0]?.lr).toBe(0.05);
    expect(records[5]?.lr).toBeCloseTo(0.025, 12);
  });
});
