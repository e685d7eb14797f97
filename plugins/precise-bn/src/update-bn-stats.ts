import { type Communicator, HooklineError, singleProcess } from '@hookline/core';
import { type BatchNorm, tf, type TrainableModel } from '@hookline/tfjs';
import { PopulationStatistics } from './population-statistics.ts';

/** Runs the model once in train mode on batch `index`. */
export type ForwardPass = (index: number) => void | Promise<void>;

/** The part of a model that {@link updateBnStats} needs. */
export type BatchNormModel = Pick<TrainableModel, 'name' | 'training' | 'state' | 'batchNorms'>;

/**
 * Sets mean and variance of every batch-norm layer to those of the population, estimated over `batches` forward passes.
 * With several ranks, each passes its own batches forward, and all get the statistics of all batches. Every other variable that the passes change is restored; after
 * an error, mean and variance are restored too.
 *
 * @returns the number of batch-norm layers; 0 means that there was nothing to do
 * @throws HooklineError `HKL_BN_EVAL_MODE`, `HKL_BN_REUSED` for a layer that is passed through twice, and the errors of the forward
 * passes, such as too little data
 */
export async function updateBnStats(
  model: BatchNormModel,
  batches: number,
  forward: ForwardPass,
  comm: Communicator = singleProcess,
): Promise<number> {
  const norms = model.batchNorms?.() ?? [];
  if (norms.length === 0) return 0;
  if (!model.training) throw inEvalMode(model);
  const before = [...model.state().values()].map((variable) => ({ variable, value: tf.keep(variable.clone()) }));
  const populations = new Map(norms.map((norm) => [norm, new PopulationStatistics()]));
  const passed = new Set<BatchNorm>();
  const unwatch = norms.map((norm) =>
    norm.watch((statistics) => {
      if (passed.has(norm)) throw reused(norm);
      passed.add(norm);
      populations.get(norm)?.add(statistics);
    }),
  );
  let isDone = false;
  try {
    for (let index = 0; index < batches; index++) {
      passed.clear();
      await forward(index);
    }
    for (const norm of norms) await populations.get(norm)?.join(comm);
    isDone = true;
  } finally {
    for (const stop of unwatch) stop();
    for (const { variable, value } of before) {
      if (variable.dataId !== value.dataId) variable.assign(value);
      value.dispose();
    }
    for (const [norm, population] of populations) {
      if (isDone && population.mean !== undefined) norm.mean.assign(population.mean);
      if (isDone && population.variance !== undefined) norm.variance.assign(population.variance);
      population.dispose();
    }
  }
  return norms.length;
}

const inEvalMode = ({ name }: BatchNormModel): HooklineError =>
  new HooklineError('HKL_BN_EVAL_MODE', 'it is in eval mode, in which batch norm does not use the batch', {
    who: `model "${name}"`,
    fix: 'Set model.training = true',
  });

const reused = ({ name }: BatchNorm): HooklineError =>
  new HooklineError('HKL_BN_REUSED', `the batch-norm layer "${name}" is passed through twice in one forward pass`, {
    who: 'precise batch norm',
    fix: 'Use a layer of its own at each place: one mean cannot be that of two populations',
  });
