import { commRef, definePlugin, replace } from '@hookline/core';
import { modelRef, stepRanksRef, trainingStepRef } from '@hookline/tfjs';
import { dataParallelSchema } from './options.ts';
import { ReducedSteps } from './reduced-steps.ts';
import { shareVariables } from './share-variables.ts';

const PLUGIN_NAME = '@hookline/plugin-data-parallel';

/**
 * Trains on the processes that `hookline launch`, `mpirun` or `srun` has started, each with its part of every batch (PyTorch's
 * DistributedDataParallel). In a single process it does nothing.
 *
 * @example dataParallel({ syncBatchNorm: true })
 */
export const dataParallel = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: 'averages gradients and losses over all processes of the job',
  options: dataParallelSchema,
  provides: ['reduction'],
  // Clipping and loss scaling must see the mean gradient of all ranks.
  after: ['accumulation?'],
  before: ['scaling?', 'schedule', 'gradients', 'averaging', 'statistics', 'checkpointing'],
  requires: { comm: commRef, step: trainingStepRef, ranks: stepRanksRef, model: modelRef },
  services: (options) => [
    replace(stepRanksRef, (alone, { comm }) => (comm.size === 1 ? alone : new ReducedSteps(comm, options)), {
      comm: commRef,
    }),
  ],
  setup({ hooks, comm, step, ranks, model }) {
    // In a single process there is nothing to reduce.
    if (!(ranks instanceof ReducedSteps)) return;
    hooks.beforeTrain.tap(() => shareVariables(comm, step.value.variables()));
    hooks.batch.tap(() => ranks.begin(model.value.state()));
    hooks.gradients.tap((gradients) => ranks.reduce(gradients));
  },
});
