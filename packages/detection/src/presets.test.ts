import { definePreset, namesOf, type PluginEntry, type Preset } from '@hookline/core';
import { presetDefault } from '@hookline/preset-default';
import { presetDetection } from '@hookline/preset-detection';
import { RecordingLogger } from '@hookline/testing';
import { defineTrainer } from '@hookline/trainer';
import { detectionConfig, type DetectionConfigInput } from './config/detection-config.ts';
import { DetectionTrainer } from './detection-trainer.ts';

/** Shows the list that a training would begin with; no data are read for it. */
class Shown extends DetectionTrainer {
  list(): readonly PluginEntry[] {
    return this.resolvePlugins([]);
  }
}

function look(values: DetectionConfigInput, preset: Preset) {
  const logger = new RecordingLogger();
  const config = detectionConfig({ datasets: { test: ['near.json', 'far.json'] }, ...values });
  const list = defineTrainer({ config, trainer: Shown, plugins: [preset] })
    .create({ logger })
    .list();
  const options = (name: string) => list.find(({ plugin }) => namesOf(plugin).includes(name))?.plugin.options;
  return { names: list.map(({ plugin }) => namesOf(plugin).at(-1) ?? ''), options, said: logger.lines };
}

const lab = (...extended: Preset[]) =>
  definePreset({ name: 'lab', version: '1.0.0', extends: extended, plugins: [] })();

it.each([
  ['the default preset', presetDefault({ checkpointer: { period: 77 } })],
  ['the preset of detection', presetDetection({ checkpointer: { period: 77 } })],
])("a preset that extends %s is configured like the trainer's own", (_what, base) => {
  const { names, options, said } = look({}, lab(base));
  // The config's recipe is not set by the user, so it only fills in what the preset leaves open.
  expect(options('checkpointer')).toMatchObject({ period: 77, maxToKeep: 2 });
  expect(options('checkpointer/best')).toMatchObject({ metric: 'near/bbox/AP' });
  expect(options('evaluator')).toMatchObject({ period: 400 });
  const pictures = names.filter((name) => name.includes('pictures'));
  expect(pictures).toEqual([expect.stringMatching(/#near$/), expect.stringMatching(/#far$/)]);
  expect(said).toEqual([]);
  expect(look({ checkpoint: { period: 300 } }, lab(base)).options('checkpointer')).toMatchObject({ period: 300 });
});

it('a recipe needs nothing that a preset leaves out', () => {
  const { names, said } = look({}, lab(presetDefault({ checkpointer: false, evaluator: false })));
  expect(names).not.toContain('checkpointer');
  expect(said).toEqual([]);
});
