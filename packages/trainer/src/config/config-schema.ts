import { isPeriod, isPositivePeriod, type Period, PERIOD_RULE } from '@hookline/core';
import { z } from 'zod';

const count = z.int().nonnegative();
const positive = z.int().positive();
const period = z.custom<Period>(isPeriod, PERIOD_RULE);
const positivePeriod = z.custom<Period>(isPositivePeriod, PERIOD_RULE);
const fraction = z.number().min(0).max(1);

/** Gradient clipping. */
const clipGradients = z.strictObject({
  /** Whether gradients are clipped. */
  enabled: z.boolean().default(false),
  /** `value` clips each number, `norm` each parameter's gradient, `global-norm` all gradients together. */
  type: z.enum(['value', 'norm', 'global-norm']).default('value'),
  /** The limit: of a number's magnitude for the type `value`, otherwise of the norm. */
  value: z.number().positive().default(1),
  /** The p of the norm, from 1 up; `inf` takes the largest magnitude. The type `value` does not use it. */
  normType: z.union([z.number().min(1), z.literal('inf')]).default(2),
});

/** Loss scaling for `precision: 'float16'`, with the names of torch's GradScaler. */
const amp = z.strictObject({
  /** The first scale. */
  initScale: z.number().positive().default(65_536),
  /** Factor of the scale after `growthInterval` successive finite updates. */
  growthFactor: z.number().gt(1).default(2),
  /** Factor of the scale after an update that was skipped because a gradient was not finite. */
  backoffFactor: z.number().gt(0).lt(1).default(0.5),
  /** Number of successive finite updates after which the scale grows. */
  growthInterval: positive.default(2000),
});

/** Reduction of the learning rate, with the names of torch's ReduceLROnPlateau. */
const reduceOnPlateau = z.strictObject({
  /** Metric to watch: the learning rate is reduced when it stops improving. Empty switches this off. */
  metric: z.string().default(''),
  /** Whether higher or lower values of the metric are better. */
  mode: z.enum(['max', 'min']).default('max'),
  /** Factor of each reduction. */
  factor: z.number().gt(0).lt(1).default(0.1),
  /** Number of values in a row without improvement that are tolerated. */
  patience: count.default(10),
  /** Smallest improvement over the best value that counts. */
  threshold: z.number().nonnegative().default(1e-4),
  /** Unit of the threshold: `rel` is relative to the best value, `abs` is in the metric's own unit. */
  thresholdMode: z.enum(['rel', 'abs']).default('rel'),
  /** Number of values after a reduction that do not count. */
  cooldown: count.default(0),
  /** The learning rate is not reduced below this one. */
  minLr: z.number().nonnegative().default(0),
});

const solver = z.strictObject({
  /** The algorithm of the optimizer. */
  optimizer: z.enum(['sgd', 'adam', 'adamw', 'rmsprop', 'adagrad', 'lion', 'lamb']).default('sgd'),
  /** Samples per step, over all ranks. */
  batchSize: positive.default(16),
  /** Batch size for which the numbers below are meant; they are scaled to `batchSize`. 0 does not scale. See `autoScale`. */
  referenceBatchSize: count.default(0),
  /** Length of the run in iterations. Set either this or `maxEpochs`. */
  maxIterations: positive.default(40_000),
  /** Length of the run in epochs, instead of iterations. The number of batches in the training data must be known. 0 uses `maxIterations`. */
  maxEpochs: z.number().nonnegative().default(0),
  /** Time limit of each training in minutes; 0 sets no limit. */
  maxMinutes: z.number().nonnegative().default(0),
  /** The learning rate of the optimizer. The schedule multiplies it by a factor, which is usually 1 after the warm-up. */
  baseLr: z.number().positive().default(0.001),
  /** Momentum of sgd and rmsprop. */
  momentum: fraction.default(0.9),
  /** Whether sgd uses Nesterov momentum. */
  nesterov: z.boolean().default(false),
  /** Betas of adam, adamw, lamb and lion. Null takes the optimizer's default: [0.9, 0.999], for lion [0.9, 0.99]. */
  betas: z.tuple([fraction, fraction]).nullable().default(null),
  /** Epsilon of all optimizers except sgd and lion. Null takes the optimizer's default: 1e-8, for lamb 1e-6, for adagrad 1e-10. */
  epsilon: z.number().positive().nullable().default(null),
  /** Decay of rmsprop's mean of squared gradients. */
  alpha: fraction.default(0.99),
  /** Whether rmsprop subtracts the mean of the gradients. */
  centered: z.boolean().default(false),
  /** Decay of adagrad's learning rate, in addition to the schedule: at step t it is multiplied by 1 / (1 + lrDecay * t). */
  lrDecay: z.number().nonnegative().default(0),
  /** Initial value of adagrad's sums of squared gradients. */
  initialAccumulator: z.number().nonnegative().default(0),
  /** Weight decay of weights, and of biases unless `weightDecayBias` is set: decoupled in adamw, lamb and lion, otherwise added to the gradient (L2). */
  weightDecay: z.number().nonnegative().default(1e-4),
  /** Weight decay of norm layers. */
  weightDecayNorm: z.number().nonnegative().default(0),
  /** Weight decay of biases. Null takes `weightDecay`. */
  weightDecayBias: z.number().nonnegative().nullable().default(null),
  /** Factor of the learning rate for biases. */
  biasLrFactor: z.number().positive().default(1),
  /** Factor of the learning rate for the variables named `backbone/...`; usually below 1 if they are pretrained. */
  backboneLrFactor: z.number().positive().default(1),
  /** The learning-rate schedule. OneCycleLR and `constant` read none of the keys from `gamma` to `rescaleInterval`. */
  lrSchedule: z
    .enum([
      'WarmupMultiStepLR',
      'WarmupCosineLR',
      'WarmupStepWithFixedGammaLR',
      'WarmupPolyLR',
      'OneCycleLR',
      'constant',
    ])
    .default('WarmupMultiStepLR'),
  /** Factor of the learning rate at each milestone of WarmupMultiStepLR, and at each decay of WarmupStepWithFixedGammaLR. */
  gamma: z.number().positive().default(0.1),
  /** Milestones of WarmupMultiStepLR, in iterations or as `{ epochs: 8 }`. */
  steps: z.array(period).default([30_000]),
  /** Number of decays of WarmupStepWithFixedGammaLR. */
  numDecays: positive.default(3),
  /** Final learning rate of WarmupCosineLR. */
  baseLrEnd: z.number().nonnegative().default(0),
  /** Power of WarmupPolyLR. */
  polyPower: z.number().positive().default(0.9),
  /** Length of the warm-up in iterations, or in epochs as `{ epochs: 1 }`. */
  warmupIterations: period.default(1000),
  /** Factor of the learning rate at the start of the warm-up. */
  warmupFactor: fraction.default(0.001),
  /** `linear` rises evenly during the warm-up, `constant` keeps the factor of its start until its end. */
  warmupMethod: z.enum(['linear', 'constant']).default('linear'),
  /** Whether the schedule is compressed into the part of the run after the warm-up. WarmupPolyLR does not read it. */
  rescaleInterval: z.boolean().default(false),
  reduceOnPlateau: reduceOnPlateau.prefault({}),
  clipGradients: clipGradients.prefault({}),
  amp: amp.prefault({}),
  /**
   * Number of batches whose gradients are accumulated for one update, for a loss that is a mean over samples. For other losses, also list
   * `gradientAccumulation` with its option `batchSize` or `reduction`.
   */
  accumulationSteps: positive.default(1),
  /** Decay of the moving average of the weights; 0 keeps no average. */
  emaDecay: z.number().min(0).lt(1).default(0),
});

/** Precise statistics of batch norms, computed before each evaluation. */
const preciseBn = z.strictObject({
  /** Whether they are computed. */
  enabled: z.boolean().default(false),
  /** Number of batches over which the statistics are computed. */
  iterations: positive.default(200),
});

const expectedResult = z.tuple([z.string(), z.string(), z.number(), z.number().nonnegative()]);

const test = z.strictObject({
  /** Iterations between evaluations, or epochs, as `{ epochs: 1 }`; 0 evaluates only after training. */
  evalPeriod: period.default(0),
  /** Expected results, each as `[task, metric, expected, tolerance]`. Training fails if a result differs by more than its tolerance. */
  expectedResults: z.array(expectedResult).default([]),
  preciseBn: preciseBn.prefault({}),
});

const checkpoint = z.strictObject({
  /** Iterations between checkpoints, or epochs, as `{ epochs: 1 }`. */
  period: positivePeriod.default(5000),
  /** Minutes between additional checkpoints, by the clock; 0 saves none. */
  periodMinutes: z.number().nonnegative().default(0),
  /** Number of periodic checkpoints to keep; 0 keeps all. */
  maxToKeep: count.default(0),
  /** Metric that selects the best checkpoint, `model_best`; empty keeps none. */
  best: z.string().default(''),
  /** Whether higher or lower values of that metric are better. */
  bestMode: z.enum(['max', 'min']).default('max'),
});

const writers = z.strictObject({
  /** Iterations between console lines, or epochs, as `{ epochs: 1 }`. */
  period: positivePeriod.default(20),
  /** Number of iterations over which the values of a console line are smoothed. */
  windowSize: positive.default(20),
  /** Iterations between stored losses. */
  metricsPeriod: positive.default(1),
  /** Whether to write event files for TensorBoard. */
  tensorboard: z.boolean().default(true),
  /** Whether to draw the curves of losses and metrics as SVG files. */
  plots: z.boolean().default(true),
});

/** The sections of every config: detectron2's keys in camel case, with its defaults. */
export const CONFIG_SHAPE = {
  /** Seed of all random numbers; a negative value draws a random seed. */
  seed: z.int().default(-1),
  /** The run's folder. */
  output: z.string().min(1).default('output'),
  /** The device to train on; `gpu` and `cpu` are native TensorFlow. `auto` takes the first of gpu, cpu, webgpu and wasm that is available. */
  device: z.enum(['auto', 'gpu', 'cpu', 'webgpu', 'wasm']).default('auto'),
  /** Whether the step is captured as one graph: `auto` if possible, `required`, or `off`. */
  capture: z.enum(['auto', 'off', 'required']).default('auto'),
  /** The dtype of convolutions and matrix products in captured steps; everything else is float32. `auto` takes bfloat16 if the processor multiplies it faster. */
  precision: z.enum(['float32', 'bfloat16', 'float16', 'auto']).default('float32'),
  model: z
    .strictObject({
      /** File with initial weights: a checkpoint, safetensors, Keras or TensorFlow.js. Empty trains from scratch. */
      weights: z.string().default(''),
      /** Whether batch norms use the mean and variance over the batches of all ranks. In a single process it has no effect. */
      syncBatchNorm: z.boolean().default(false),
    })
    .prefault({}),
  datasets: z
    .strictObject({
      /** Names of the training data, for `buildTrainLoader` of trainers that read it. */
      train: z.array(z.string()).default(['train']),
      /** Names of the data sets that are evaluated, each with `buildTestLoader` and `buildEvaluator`. */
      test: z.array(z.string()).default(['test']),
    })
    .prefault({}),
  solver: solver.prefault({}),
  test: test.prefault({}),
  checkpoint: checkpoint.prefault({}),
  writers: writers.prefault({}),
};

/** The complete config of a DefaultTrainer. */
export type BaseConfig = z.output<z.ZodObject<typeof CONFIG_SHAPE>>;
/** The config as a user writes it: every key is optional. */
export type BaseConfigInput = z.input<z.ZodObject<typeof CONFIG_SHAPE>>;
