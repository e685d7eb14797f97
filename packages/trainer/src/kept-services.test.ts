import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  checkpointsRef,
  ConsoleLogger,
  controlRef,
  definePlugin,
  evaluationRef,
  loggerRef,
  outputRef,
  type Plugin,
  randomRef,
  type Results,
  type SetupContext,
  storageRef,
  tapsRef,
  trainerRef,
  type DatasetEvaluator,
} from '@hookline/core';
import { emaRef } from '@hookline/plugin-ema';
import { lrScheduleRef } from '@hookline/plugin-lr-scheduler';
import {
  batchSourceRef,
  modelRef,
  optimizerRef,
  selectDevice,
  stepRanksRef,
  stepScopeRef,
  trainDataRef,
  trainingStepRef,
} from '@hookline/tfjs';
import { makeNet, points } from './all-plugins.test.support.ts';
import { defineConfig } from './config/define-config.ts';
import { DefaultTrainer } from './default-trainer.ts';
import { configRef, evaluatorsRef, testLoaderRef } from './trainer-services.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** True once the object behind the reference has been collected. */
async function isCollected(reference: WeakRef<object>): Promise<boolean> {
  for (let attempt = 0; attempt < 20; attempt++) {
    // Reading a WeakRef keeps its object alive until the current job ends.
    await sleep(5);
    collectGarbage();
    if (reference.deref() === undefined) return true;
  }
  return false;
}

let dir: string;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  dir = temporaryFolder();
});

/** A trainer with a generator method, and with models and evaluators whose functions use `this`, as users write them. */
class PointsTrainer extends DefaultTrainer {
  passes = 0;
  /** Calls of the model's `losses`. */
  steps = 0;
  override buildModel() {
    const net = makeNet();
    // The model holds the trainer, so a plain reference to the model, or to the optimizer, would keep it alive.
    return { ...net, losses: (...args: Parameters<typeof net.losses>) => (this.steps++, net.losses(...args)) };
  }
  override *buildTrainLoader(): Generator {
    for (;;) {
      this.passes++;
      yield* points();
    }
  }
  override buildTestLoader() {
    return [...points()];
  }
  override buildEvaluator(): DatasetEvaluator {
    let size = 0;
    return { reset: () => void (size = 0), process: () => void size++, evaluate: (): Results => ({ size }) };
  }
}

const requires = {
  trainer: trainerRef,
  storage: storageRef,
  control: controlRef,
  random: randomRef,
  logger: loggerRef,
  output: outputRef,
  checkpoints: checkpointsRef,
  evaluation: evaluationRef,
  taps: tapsRef,
  model: modelRef,
  optimizer: optimizerRef,
  scope: stepScopeRef,
  step: trainingStepRef,
  ranks: stepRanksRef,
  source: batchSourceRef,
  data: trainDataRef,
  average: emaRef,
  config: configRef,
  schedule: lrScheduleRef,
  testLoader: testLoaderRef,
  evaluators: evaluatorsRef,
};

/** A plugin that keeps everything that it can receive. */
function hoarder() {
  const kept: { context?: SetupContext<typeof requires, Record<never, never>> } = {};
  const plugin: Plugin = definePlugin({
    name: 'hoarder',
    version: '1.0.0',
    requires,
    setup(context) {
      kept.context = context;
      context.hooks.afterStep.tap(() => void context.trainer.iteration);
    },
  })();
  return { kept, plugin };
}

const config = defineConfig({
  seed: 1,
  solver: {
    maxIterations: 6,
    warmupIterations: 0,
    steps: [],
    emaDecay: 0.9,
    accumulationSteps: 2,
    clipGradients: { enabled: true },
  },
  test: { evalPeriod: 3, preciseBn: { enabled: true, iterations: 2 } },
  checkpoint: { period: 3, best: 'size', maxToKeep: 2 },
});

describe('a plugin that keeps every service of a DefaultTrainer', () => {
  it.each([
    ['after a training', true],
    ['before a training', false],
  ])('keeps neither the trainer nor its parts alive, %s', async (_, trains) => {
    const { kept, plugin } = hoarder();
    const references = await (async () => {
      const trainer = new PointsTrainer(config.resolve([`output=${JSON.stringify(dir)}`]), {
        plugins: [plugin],
        logger: new ConsoleLogger({ level: 'silent' }),
      });
      await (trains ? trainer.train() : trainer.prepare());
      expect(trains ? trainer.passes : 1).toBeGreaterThan(0);
      expect(await kept.context?.evaluators('test')).toHaveLength(1);
      expect(await kept.context?.testLoader('test')).toHaveLength(5);
      return {
        trainer: new WeakRef<object>(trainer),
        model: new WeakRef<object>(await trainer.service(modelRef)),
        optimizer: new WeakRef<object>(await trainer.service(optimizerRef)),
      };
    })();
    expect(await isCollected(references.trainer)).toBe(true);
    expect(await isCollected(references.model)).toBe(true);
    expect(await isCollected(references.optimizer)).toBe(true);
    const message = (service: string) =>
      `[HKL_TRAINER_GONE] service "${service}": the trainer that it belongs to is gone. Keep a reference to the trainer for as long as its services are used.`;
    await expect((async () => kept.context?.testLoader('test'))()).rejects.toThrow(message('testLoader'));
    await expect((async () => kept.context?.evaluators('test'))()).rejects.toThrow(message('evaluators'));
    expect(kept.context?.config.solver.maxIterations).toBe(6);
    expect(kept.context?.schedule).toBeDefined();
  });
});
