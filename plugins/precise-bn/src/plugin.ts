import {
  commRef,
  definePlugin,
  defineState,
  epochsRef,
  evaluationRef,
  HooklineError,
  loggerRef,
  trainerRef,
} from '@hookline/core';
import { BatchSource, batchSourceState, disposeBatch, modelRef, trainingStepRef } from '@hookline/tfjs';
import { preciseBnSchema } from './options.ts';
import { updateBnStats } from './update-bn-stats.ts';

const PLUGIN_NAME = '@hookline/plugin-precise-bn';

/** The first key of the random numbers of estimates. It is above every iteration of a training. */
const FIRST_KEY = 2 ** 30;

/**
 * Replaces the moving averages of batch norm by the statistics of the population, periodically and at the end, before
 * checkpoints and evaluations. If evaluation uses other weights than training, such as their averages, the statistics are computed for
 * each of the two. With several ranks, each passes its share of the batches forward.
 *
 * @example preciseBn({ loader: () => makeTrainBatches(), period: 5000 })
 */
export const preciseBn = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: "estimates batch norm's statistics over many batches, before saving and evaluating",
  options: preciseBnSchema,
  provides: ['statistics'],
  before: ['checkpointing', 'evaluation'],
  requires: {
    model: modelRef,
    step: trainingStepRef,
    evaluation: evaluationRef,
    logger: loggerRef,
    trainer: trainerRef,
    comm: commRef,
    epochs: epochsRef,
  },
  setup(
    { hooks, plugin, model, step, evaluation, logger, trainer, comm, epochs },
    { loader, batches, period, repeat },
  ) {
    const source = new BatchSource(loader, { repeat }, (line) => logger.info(line), comm);
    const isPeriodOver = epochs.every(period, 'period');
    let isOff = false;
    let doneAt: number | undefined;
    const forward = async (iteration: number, index: number): Promise<void> => {
      const before = source.state();
      const { device } = await source.next();
      try {
        // A pass that has ended shows how much data there is.
        if (source.state().epoch > before.epoch && before.batches < batches)
          throw tooLittle(plugin.id, before.batches, batches);
        const key = FIRST_KEY + (iteration % 2 ** 19) * 2 ** 10 + (index % 2 ** 10);
        step.value.forward(device.batch, key);
      } finally {
        disposeBatch(device);
      }
    };
    const estimate = async (iteration: number): Promise<void> => {
      if (isOff || doneAt === iteration) return;
      doneAt = iteration;
      const update = async (whose: string): Promise<void> => {
        const start = performance.now();
        const layers = await updateBnStats(model.value, batches, (index) => forward(iteration, index), comm);
        const seconds = ((performance.now() - start) / 1000).toFixed(1);
        logger.info(
          `Precise statistics of ${layers} batch-norm layers${whose} from ${batches} batches in ${seconds} s`,
        );
      };
      await update('');
      await evaluation.withWeights?.(() => update(' with the weights of evaluation'));
    };
    hooks.beforeTrain.tap(() => {
      isOff = (model.value.batchNorms?.() ?? []).length === 0;
      if (isOff) logger.info('Precise batch norm has nothing to do: the model has no batch norm to train');
    });
    hooks.afterStep.tap(({ iteration, maxIterations }) => {
      const done = iteration + 1;
      return done === maxIterations || isPeriodOver(done) ? estimate(done) : undefined;
    });
    hooks.afterTrain.tap(({ status, iteration }) =>
      status === 'stopped' && iteration > trainer.startIteration ? estimate(iteration) : undefined,
    );
    return {
      state: defineState({
        schema: batchSourceState.superRefine((position, context) => {
          const message = source.misfit(position);
          if (message !== undefined) context.addIssue({ code: 'custom', message });
        }),
        save: () => source.state(),
        load: (position) => source.restore(position),
      }),
      dispose: () => source.close(),
    };
  },
});

function tooLittle(who: string, found: number, wanted: number): HooklineError {
  return new HooklineError('HKL_BN_TOO_LITTLE_DATA', `its loader holds ${found} batches and should give ${wanted}`, {
    who,
    fix: `Set batches: ${found} or fewer, or give more data; the statistics were left as they were`,
  });
}
