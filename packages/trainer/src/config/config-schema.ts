import { z } from 'zod';

const count = z.int().nonnegative();
const positive = z.int().positive();
const fraction = z.number().min(0).max(1);

const clipGradients = z.strictObject({
  enabled: z.boolean().default(false),
  /** `value` clips each number, `norm` each parameter's gradient, `global-norm` all gradients together. */
  type: z.enum(['value', 'norm', 'global-norm']).default('value'),
  /** Default 1. */
  value: z.number().positive().default(1),
  /** The p of the norm, from 1 up. Default 2. */
  normType: z.union([z.number().min(1), z.literal('inf')]).default(2),
});

/** How the loss is scaled with `precision: 'float16'`, by the names of torch's GradScaler. */
const amp = z.strictObject({
  initScale: z.number().positive().default(65_536),
  growthFactor: z.number().gt(1).default(2),
  backoffFactor: z.number().gt(0).lt(1).default(0.5),
  /** Good updates in a row that make the scale grow. */
  growthInterval: positive.default(2000),
});

/** A reduction of the learning rate, by the names of torch's ReduceLROnPlateau. */
const reduceOnPlateau = z.strictObject({
  /** Metric that reduces the learning rate when it no longer gets better; empty reduces nothing. */
  metric: z.string().default(''),
  mode: z.enum(['max', 'min']).default('max'),
  factor: z.number().gt(0).lt(1).default(0.1),
  patience: count.default(10),
  threshold: z.number().nonnegative().default(1e-4),
  thresholdMode: z.enum(['rel', 'abs']).default('rel'),
  cooldown: count.default(0),
  minLr: z.number().nonnegative().default(0),
});

const solver = z.strictObject({
  optimizer: z.enum(['sgd', 'adam', 'adamw', 'rmsprop', 'adagrad', 'lion', 'lamb']).default('sgd'),
  /** Images, or whatever the data holds, of one step. */
  batchSize: positive.default(16),
  /** Batch size that the numbers below are meant for; 0 takes them as they are. See `autoScale`. */
  referenceBatchSize: count.default(0),
  maxIterations: positive.default(40_000),
  /** Minutes after which each training ends, by the clock; 0 sets no limit. */
  maxMinutes: z.number().nonnegative().default(0),
  baseLr: z.number().positive().default(0.001),
  /** Of sgd and rmsprop. */
  momentum: fraction.default(0.9),
  nesterov: z.boolean().default(false),
  /** Of adam, adamw, lamb and lion; null takes the optimizer's own, [0.9, 0.999] and for lion [0.9, 0.99]. */
  betas: z.tuple([fraction, fraction]).nullable().default(null),
  /** Of all but sgd and lion; null takes the optimizer's own: 1e-8, for lamb 1e-6, for adagrad 1e-10. */
  epsilon: z.number().positive().nullable().default(null),
  /** Decay of the mean of squared gradients of rmsprop. */
  alpha: fraction.default(0.99),
  /** Whether rmsprop subtracts the mean of the gradients. */
  centered: z.boolean().default(false),
  /** At step t adagrad's learning rate is baseLr / (1 + lrDecay * t), besides the schedule. */
  lrDecay: z.number().nonnegative().default(0),
  /** What adagrad's sums of squared gradients begin with. */
  initialAccumulator: z.number().nonnegative().default(0),
  weightDecay: z.number().nonnegative().default(1e-4),
  /** Weight decay of norm layers. */
  weightDecayNorm: z.number().nonnegative().default(0),
  /** Weight decay of biases; null takes that of the weights. */
  weightDecayBias: z.number().nonnegative().nullable().default(null),
  biasLrFactor: z.number().positive().default(1),
  /** Learning rate of the variables named `backbone/...`, as a factor: lower where they begin with pretrained weights. */
  backboneLrFactor: z.number().positive().default(1),
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
  gamma: z.number().positive().default(0.1),
  steps: z.array(count).default([30_000]),
  /** Decays of WarmupStepWithFixedGammaLR. */
  numDecays: positive.default(3),
  /** Last learning rate of WarmupCosineLR. */
  baseLrEnd: z.number().nonnegative().default(0),
  /** Power of WarmupPolyLR. */
  polyPower: z.number().positive().default(0.9),
  warmupIterations: count.default(1000),
  warmupFactor: fraction.default(0.001),
  warmupMethod: z.enum(['linear', 'constant']).default('linear'),
  /** Whether the schedule begins after the warm-up, in what is left of the run. */
  rescaleInterval: z.boolean().default(false),
  reduceOnPlateau: reduceOnPlateau.prefault({}),
  clipGradients: clipGradients.prefault({}),
  amp: amp.prefault({}),
  /**
   * Batches whose gradients make one update, where the loss is a mean over samples. For other losses list
   * `gradientAccumulation` with its `batchSize` or `reduction` as well.
   */
  accumulationSteps: positive.default(1),
  /** Decay of the moving average of the weights; 0 keeps none. */
  emaDecay: z.number().min(0).lt(1).default(0),
});

const preciseBn = z.strictObject({
  enabled: z.boolean().default(false),
  /** Batches that the statistics are computed over. */
  iterations: positive.default(200),
});

const expectedResult = z.tuple([z.string(), z.string(), z.number(), z.number().nonnegative()]);

const test = z.strictObject({
  /** Iterations between evaluations; 0 evaluates only after training. */
  evalPeriod: count.default(0),
  /** `[task, metric, expected, tolerance]` each; training fails when a result is off. */
  expectedResults: z.array(expectedResult).default([]),
  preciseBn: preciseBn.prefault({}),
});

const checkpoint = z.strictObject({
  period: positive.default(5000),
  /** Minutes between further checkpoints, by the clock; 0 saves none. */
  periodMinutes: z.number().nonnegative().default(0),
  /** Periodic checkpoints that are kept; 0 keeps all. */
  maxToKeep: count.default(0),
  /** Metric whose best value is kept as `model_best`; empty keeps none. */
  best: z.string().default(''),
  bestMode: z.enum(['max', 'min']).default('max'),
});

const writers = z.strictObject({
  /** Iterations between console lines. */
  period: positive.default(20),
  /** Iterations that the values of a console line are smoothed over. */
  windowSize: positive.default(20),
  /** Store the losses of every how many iterations. */
  metricsPeriod: positive.default(1),
  tensorboard: z.boolean().default(true),
  plots: z.boolean().default(true),
});

/** The sections of every config, with detectron2's keys in our spelling and its defaults. */
export const CONFIG_SHAPE = {
  /** Seed of all random numbers; negative draws one. */
  seed: z.int().default(-1),
  /** The run's folder. */
  output: z.string().min(1).default('output'),
  device: z.enum(['auto', 'gpu', 'cpu', 'webgpu', 'wasm']).default('auto'),
  /** Whether the step is captured as one graph where that is possible. */
  capture: z.enum(['auto', 'off', 'required']).default('auto'),
  precision: z.enum(['float32', 'bfloat16', 'float16', 'auto']).default('float32'),
  model: z
    .strictObject({
      /** File whose weights a run begins with: a checkpoint, safetensors, Keras or TensorFlow.js; empty begins from scratch. */
      weights: z.string().default(''),
      /** Whether batch norms use the mean and variance of the batches of all ranks together; in a single process it changes nothing. */
      syncBatchNorm: z.boolean().default(false),
    })
    .prefault({}),
  datasets: z
    .strictObject({ train: z.array(z.string()).default(['train']), test: z.array(z.string()).default(['test']) })
    .prefault({}),
  solver: solver.prefault({}),
  test: test.prefault({}),
  checkpoint: checkpoint.prefault({}),
  writers: writers.prefault({}),
};

/** The config of every DefaultTrainer, complete. */
export type BaseConfig = z.output<z.ZodObject<typeof CONFIG_SHAPE>>;
/** The same as one writes it: everything may be left out. */
export type BaseConfigInput = z.input<z.ZodObject<typeof CONFIG_SHAPE>>;
