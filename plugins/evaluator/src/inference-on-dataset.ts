import {
  assertKnownOptions,
  type Communicator,
  communicator,
  HooklineError,
  type Logger,
  type OptionNames,
  type Results,
  type DatasetEvaluator,
} from '@hookline/core';
import { type DataSource, disposeBatch, inEvalMode, openData, tf, toDevice, type TrainableModel } from '@hookline/tfjs';
import { canMerge, DatasetEvaluators } from './dataset-evaluators.ts';
import { evaluateOnRanks, partOf } from './evaluate-on-ranks.ts';
import { InferenceClock } from './inference-clock.ts';
import { findInputs } from './find-inputs.ts';

/** The part of a model that {@link inferenceOnDataset} needs. */
export type InferenceModel = Pick<TrainableModel, 'name' | 'training' | 'predict' | 'inputs'>;

/** Options of {@link inferenceOnDataset}. */
export interface InferenceOptions {
  /**
   * Selects the model's inputs from a batch on the device.
   * @default the model's own selection; otherwise the batch itself if it is a tensor, its first element if it is an array, otherwise its `inputs`, `x` or `xs`
   */
  readonly inputs?: (batch: unknown) => unknown;
  /** Receives the lines about time and progress. @default no logger */
  readonly logger?: Pick<Logger, 'info'>;
  /** Before the first batch. */
  readonly onStart?: () => void | Promise<void>;
  readonly beforeInference?: () => void | Promise<void>;
  readonly afterInference?: () => void | Promise<void>;
  /** After the last batch, before the metrics are computed. */
  readonly onEnd?: () => void | Promise<void>;
  /** A clock in seconds with an arbitrary origin, for the lines about time. @default the process's clock */
  readonly now?: () => number;
  /** The ranks that evaluate together; each has to call this function. @default those of the process */
  readonly comm?: Communicator;
}

const OPTIONS = {
  inputs: true,
  logger: true,
  onStart: true,
  beforeInference: true,
  afterInference: true,
  onEnd: true,
  now: true,
  comm: true,
} as const satisfies OptionNames<InferenceOptions>;

/**
 * Runs a model over a data set in eval mode and evaluates its outputs. The model's mode is restored afterwards, even if
 * something fails, and nothing is left on the device.
 *
 * With several ranks, each has to call it. If data and evaluators can be shared, each rank takes a contiguous range of the batches
 * that one process would take, and the first rank computes the results for all; otherwise the first rank evaluates alone. All ranks receive the results.
 *
 * @returns the evaluators' results, empty if they have none
 * @throws HooklineError `HKL_EVAL_NO_PREDICT` if the model cannot predict, `HKL_EVAL_EMPTY` if there is no batch, and the errors of the model, the data and
 * the evaluators
 */
export async function inferenceOnDataset(
  model: InferenceModel,
  loader: DataSource,
  evaluators: DatasetEvaluator | readonly DatasetEvaluator[],
  options: InferenceOptions = {},
): Promise<Results> {
  assertKnownOptions('inferenceOnDataset', options, OPTIONS);
  if (model.predict === undefined) throw noPredict(model);
  const evaluator: DatasetEvaluator = isList(evaluators) ? new DatasetEvaluators(evaluators) : evaluators;
  const { comm = communicator() } = options;
  const own = comm.size > 1 && canMerge(evaluator) ? partOf(loader, comm) : undefined;
  const infer = (data: DataSource): Promise<number> => inferAll(model, data, evaluator, options);
  if (comm.size > 1) return evaluateOnRanks(comm, evaluator, { whole: loader, own }, infer, empty);
  if ((await infer(loader)) === 0) throw empty();
  return (await evaluator.evaluate()) ?? {};
}

/** @returns the number of batches */
async function inferAll(
  model: InferenceModel,
  loader: DataSource,
  evaluator: DatasetEvaluator,
  options: InferenceOptions,
): Promise<number> {
  const batches = openData(loader);
  if (batches === undefined) throw noData();
  const { logger, now = () => performance.now() / 1000 } = options;
  let count = 0;
  evaluator.reset();
  await inEvalMode(model, async () => {
    const clock = new InferenceClock(lengthOf(batches), now);
    await options.onStart?.();
    for await (const batch of batches) {
      count++;
      clock.lap('data');
      await inferOne(model, batch, Array.isArray(batches), evaluator, clock, options);
      clock.lap('evaluate');
      const line = clock.batchDone();
      if (line !== undefined) logger?.info(line);
    }
    if (count === 0) return;
    await options.onEnd?.();
    for (const line of clock.summary()) logger?.info(line);
  });
  return count;
}

async function inferOne(
  model: InferenceModel,
  batch: unknown,
  isBorrowed: boolean,
  evaluator: DatasetEvaluator,
  clock: InferenceClock,
  options: InferenceOptions,
): Promise<void> {
  const { beforeInference, afterInference } = options;
  const inputs = options.inputs ?? ((of: unknown) => (model.inputs ?? findInputs)(of));
  const device = toDevice(batch, { tensors: isBorrowed ? 'borrow' : 'consume' });
  let outputs: unknown;
  try {
    await beforeInference?.();
    outputs = tf.tidy(() => model.predict?.(inputs(device.batch)) as tf.TensorContainer);
    clock.lap('compute');
    await afterInference?.();
    await evaluator.process(device.batch, outputs);
  } finally {
    tf.dispose(outputs as tf.TensorContainer);
    disposeBatch(device);
  }
}

const isList = (value: DatasetEvaluator | readonly DatasetEvaluator[]): value is readonly DatasetEvaluator[] =>
  Array.isArray(value);

function lengthOf(batches: unknown): number | undefined {
  const { length, size } = batches as { length?: unknown; size?: unknown };
  const found = typeof length === 'number' ? length : size;
  return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
}

function noPredict({ name }: InferenceModel): HooklineError {
  return new HooklineError('HKL_EVAL_NO_PREDICT', 'it has no predict function, which evaluation calls', {
    who: `model "${name}"`,
    fix: 'Give functionModel({ predict: (inputs) => ... }), or evaluate with your own function',
  });
}

const noData = (): HooklineError =>
  new HooklineError('HKL_DATA_INVALID', 'the data to evaluate on cannot be iterated', {
    who: 'evaluation',
    fix: 'Give an array of batches, an iterable, an async iterable, a tf.data dataset, or a function that returns one',
  });

function empty(): HooklineError {
  return new HooklineError('HKL_EVAL_EMPTY', 'the data set to evaluate on holds no batch', {
    who: 'evaluation',
    fix: 'Check its path. A generator that has ended yields nothing: pass the generator function itself',
  });
}
