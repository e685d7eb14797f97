import { join } from 'node:path';
import { lossScaling } from '@hookline/plugin-loss-scaling';
import { type ChangedStateOutcome, isPlausibleChange, RecordingLogger, tryChangedStates } from '@hookline/testing';
import { adamW, selectDevice } from '@hookline/tfjs';
import { everyPlugin, fullTrainer, makeNet, points } from './all-plugins.test.support.ts';
import { SimpleTrainer } from './simple-trainer.ts';

let dir: string;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  dir = temporaryFolder();
});

const plugins = () => [...everyPlugin(), lossScaling({ initScale: 1024 })];

it('no checkpoint with a changed entry loads silently, and one that is refused changes nothing', async () => {
  const whole = fullTrainer({ output: join(dir, 'whole'), capture: 'off', maxIterations: 6, plugins: plugins() });
  await whole.train();
  await whole.dispose();
  const outcomes = await tryChangedStates({
    file: join(dir, 'whole', 'model_0000004.safetensors'),
    make: (output) => {
      const logger = new RecordingLogger('warn');
      const trainer = new SimpleTrainer({
        device: 'auto',
        model: makeNet,
        optimizer: (model) => adamW(model, { learningRate: 2e-3, weightDecay: 0.01 }),
        data: points,
        repeat: true,
        capture: 'off',
        output,
        seed: 5,
        maxIterations: 40,
        plugins: plugins(),
        logger,
      });
      return { trainer, logger };
    },
    // The options of the saved run are compared but never loaded.
    // A third of the other changes is enough to find a plugin without a schema.
    only: (change, index) => index % 3 === 0 && !change.startsWith('hookline/run: plugins.'),
    free: (trainer) => trainer.dispose(),
  });
  const of = (outcome: ChangedStateOutcome['outcome']) => outcomes.filter((each) => each.outcome === outcome);
  const list = (outcome: ChangedStateOutcome['outcome']) =>
    of(outcome).map(({ change, told }) => `${change} -> ${told}`);
  expect(list('damaged')).toEqual([]);
  expect(list('nameless')).toEqual([]);
  expect(of('silent').filter(({ change }) => !isPlausibleChange(change))).toEqual([]);
  expect(of('refused').length).toBeGreaterThan(250);
}, 600_000);
