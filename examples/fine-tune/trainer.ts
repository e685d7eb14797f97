import { join } from 'node:path';
import {
  classFolders,
  ClassificationEvaluator,
  classifier,
  type Dataset,
  defineConfig,
  defineTrainer,
  DetectionLoader,
  freeze,
  formatReport,
  InferenceSampler,
  type Logger,
  mobilenetV3Small,
  randomAffine,
  randomBrightness,
  randomContrast,
  randomFlip,
  readImageFolder,
  resnet,
  type tf,
  z,
} from 'hookline';

const config = defineConfig(
  {
    output: 'runs/fine-tune',
    precision: 'auto',
    solver: {
      optimizer: 'adamw',
      batchSize: 16,
      maxIterations: 400,
      baseLr: 0.001,
      weightDecay: 0.01,
      // Pretrained layers need smaller updates than the new last layer.
      backboneLrFactor: 0.1,
      lrSchedule: 'WarmupCosineLR',
      warmupIterations: 40,
    },
    test: { evalPeriod: 100 },
    checkpoint: { period: 100, maxToKeep: 2, best: 'accuracy' },
  },
  {
    /** Folder with `train/CLASS/*.jpg` and `test/CLASS/*.jpg`. */
    data: { root: z.string().default('data'), train: z.string().default('train'), test: z.string().default('test') },
    /** Side of the network's square input in pixels. Pictures are stretched to it. */
    input: { size: z.int().min(32).default(160) },
    model: {
      backbone: z.enum(['resnet18', 'resnet50', 'mobilenetV3Small']).default('resnet18'),
      /** Number of stages that are frozen for the whole training. The stem is the first stage. */
      frozenStages: z.int().nonnegative().default(0),
      /** The backbone is frozen until this iteration, while only the new last layer is trained. 0 trains it from the start. */
      frozenUntil: z.int().nonnegative().default(100),
      labelSmoothing: z.number().min(0).lt(1).default(0.1),
    },
  },
);

export default defineTrainer({
  config,

  plugins: ({ model }, defaults) => [
    defaults,
    ...(model.frozenUntil > 0 ? [freeze({ rules: [{ names: 'backbone/*', until: model.frozenUntil }] })] : []),
  ],

  async buildModel({ data, model }) {
    const { frozenStages, labelSmoothing } = model;
    return classifier({
      classNames: await classFolders(join(data.root, data.train)),
      backbone:
        model.backbone === 'mobilenetV3Small'
          ? mobilenetV3Small({ frozenStages })
          : resnet({ depth: model.backbone === 'resnet18' ? 18 : 50, frozenStages }),
      labelSmoothing,
    });
  },

  async buildTrainLoader({ data, input, solver, model }, trainer) {
    if (model.weights === '' && model.frozenUntil > 0)
      trainer.logger.info(
        `there are no pretrained weights (--weights FILE): in a new run the backbone is random, and frozen until iteration ${model.frozenUntil}. ` +
          'To train it from the start, add --set model.frozenUntil=0 --set solver.backboneLrFactor=1',
      );
    if (model.weights === '' && model.frozenStages > 0)
      trainer.logger.warn(
        `from scratch: model.frozenStages=${model.frozenStages} keeps random weights in the first stages for the whole training; set model.frozenStages=0, unless the run goes on`,
      );
    const { records } = told(await readImageFolder({ root: join(data.root, data.train) }), trainer.logger);
    return new DetectionLoader(records, {
      batchSize: solver.batchSize,
      size: { width: input.size, height: input.size },
      fit: 'stretch',
      augmentations: [
        randomFlip(),
        randomAffine({ scale: 0.25, shift: 0.1 }),
        randomBrightness(0.75, 1.25),
        randomContrast(0.75, 1.25),
      ],
      cache: true,
      random: trainer.random.stream('train-loader'),
    });
  },

  async buildTestLoader({ data, input, solver }, _dataset, trainer) {
    const classes = await classFolders(join(data.root, data.train));
    const { records } = told(await readImageFolder({ root: join(data.root, data.test), classes }), trainer.logger);
    return new DetectionLoader(records, {
      batchSize: solver.batchSize,
      size: { width: input.size, height: input.size },
      fit: 'stretch',
      sampler: new InferenceSampler(records.length),
    });
  },

  buildEvaluator: async ({ data }) =>
    new ClassificationEvaluator({
      classNames: await classFolders(join(data.root, data.train)),
      labels: (batch) => (batch as { classes: tf.Tensor }).classes,
    }),

  /** The description of the model for `hookline export`; `hookline predict` prepares pictures by it. */
  buildExport: async ({ data, input }) => ({
    inputs: { name: 'images', shape: [null, input.size, input.size, 3], range: [0, 255] },
    details: {
      task: 'classification',
      classNames: await classFolders(join(data.root, data.train)),
      scores: 'logits',
    },
  }),
});

/** Logs which pictures were left out, and other findings about them, and returns the data set. */
function told(dataset: Dataset, logger: Logger): Dataset {
  if (dataset.report.problems.length > 0) logger.info(formatReport(dataset.report, { files: 3 }));
  return dataset;
}
