import { commRef, definePlugin } from '@hookline/core';
import { allReduceMean, modelRef, modelVariables, optimizerRef, stepScopeRef, type tf } from '@hookline/tfjs';
import { dataParallelSchema } from './options.ts';
import { reduceStep } from './reduce-step.ts';
import { alignVariables, shareVariables } from './share-variables.ts';

const PLUGIN_NAME = '@hookline/plugin-data-parallel';
/** Version of this package. */
export const VERSION = '0.1.0';

/**
 * Trains on the processes that `hookline launch`, `mpirun` or `srun` has started, each with its part of every batch (PyTorch's
 * DistributedDataParallel). In a single process it does nothing.
 *
 * @example dataParallel({ syncBatchNorm: true })
 */
export const dataParallel = definePlugin({
  name: PLUGIN_NAME,
  version: VERSION,
  description: 'averages gradients and losses over all processes of the job',
  options: dataParallelSchema,
  provides: ['reduction'],
  // What is clipped, and judged for its scale, is the gradient of all ranks.
  after: ['accumulation?'],
  before: ['scaling?', 'schedule', 'gradients', 'averaging', 'statistics', 'checkpointing'],
  requires: { comm: commRef, scope: stepScopeRef, model: modelRef, optimizer: optimizerRef },
  setup({ hooks, comm, scope, model, optimizer }, { bucketBytes, syncBatchNorm }) {
    const { size } = comm;
    if (size === 1) return;
    scope.value.shareRanks({
      size,
      mean: allReduceMean,
      syncBatchNorm,
      align: (variables) => alignVariables(comm, variables),
    });
    hooks.beforeTrain.tap(async () => {
      const kinds = {
        model: modelVariables(model.value),
        optimizer: optimizer.value.slots(),
        scope: new Map([...scope.value.variables()].map(([name, { variable }]) => [name, variable])),
      };
      const all = Object.entries(kinds).flatMap(([kind, variables]) =>
        [...variables].map(([name, variable]) => [`${kind}/${name}`, variable] as const),
      );
      await shareVariables(comm, new Map(all));
    });
    let before: ReadonlyMap<string, object> = new Map();
    hooks.batch.tap(() => {
      before = new Map([...model.value.state()].map(([name, { dataId }]) => [name, dataId]));
    });
    hooks.gradients.tap((gradients) => {
      // Each rank has moved its averages by its own batch.
      const states: tf.Variable[] = [];
      for (const [name, variable] of model.value.state())
        if (variable.dtype === 'float32' && before.get(name) !== variable.dataId) states.push(variable);
      let reduced = gradients;
      // A step that only accumulates hands on no gradients; its losses are averaged all the same, so that all ranks fail together.
      scope.value.replaceLosses((losses) => {
        const step = reduceStep(gradients, losses, states, bucketBytes);
        reduced = step.gradients;
        return step.losses;
      });
      return reduced;
    });
  },
});
