import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  definePlugin,
  functionModel,
  modelRef,
  selectDevice,
  sgd,
  SimpleTrainer,
  tf,
  trainerRef,
  type TrainerView,
} from './index.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** True once the object behind the reference has been collected. */
async function isCollected(reference: WeakRef<object>, attempts = 20): Promise<boolean> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    // Reading a WeakRef keeps its object alive until the current job ends.
    await sleep(5);
    collectGarbage();
    if (reference.deref() === undefined) return true;
  }
  return false;
}

/** References that a user might keep: everything that the plugin received. */
interface Kept {
  trainer?: TrainerView;
  model?: { readonly value: object };
}

function watcher(kept: Kept) {
  return definePlugin({
    name: 'acme-plugin-watcher',
    version: '1.0.0',
    requires: { trainer: trainerRef, model: modelRef },
    setup({ hooks, trainer, model }) {
      kept.trainer = trainer;
      kept.model = model;
      hooks.afterStep.tap(() => void trainer.iteration);
    },
  })();
}

function makeTrainer(plugin: ReturnType<typeof watcher>): SimpleTrainer {
  const weight = tf.variable(tf.scalar(1));
  return new SimpleTrainer({
    maxIterations: 3,
    seed: 1,
    model: functionModel({
      name: 'line',
      variables: { weight },
      losses: () => tf.tidy(() => weight.sub(2).square().asScalar()),
    }),
    optimizer: (model) => sgd(model, { learningRate: 0.1 }),
    data: [[], [], []],
    plugins: [plugin],
  });
}

describe('a plugin that outlives its trainer', () => {
  beforeAll(() => selectDevice('auto'));

  it('keeps neither the trainer nor its model alive, and says so when it is used', async () => {
    const kept: Kept = {};
    const plugin = watcher(kept);
    const references = await (async () => {
      const trainer = makeTrainer(plugin);
      await trainer.train();
      expect(kept.trainer?.iteration).toBe(3);
      const model = await trainer.service(modelRef);
      return { trainer: new WeakRef<object>(trainer), model: new WeakRef<object>(model) };
    })();

    expect(await isCollected(references.trainer)).toBe(true);
    expect(await isCollected(references.model)).toBe(true);
    expect(() => kept.trainer?.iteration).toThrow(
      '[HKL_TRAINER_GONE] acme-plugin-watcher: its trainer is gone. Plugins hold their trainer weakly; keep a reference',
    );
    expect(() => kept.model?.value).toThrow('acme-plugin-watcher');
    expect(plugin.name).toBe('acme-plugin-watcher');
  });

  it('does not lose a trainer that the user keeps', async () => {
    const kept: Kept = {};
    const trainer = makeTrainer(watcher(kept));
    await trainer.train();
    // As many attempts as are enough to collect the trainer above, and some more.
    expect(await isCollected(new WeakRef(trainer), 5)).toBe(false);
    expect(kept.trainer?.iteration).toBe(3);
    expect(trainer.maxIterations).toBe(3);
  });
});
