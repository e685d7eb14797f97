import { type ConfigInput, defineConfig, z } from 'hookline';

const EXTENSION = {
  data: {
    /** Folder of the data set. */
    root: z.string().min(1),
    /** A `.json` file in COCO's format, below `root`, or the name of a list in VOC's ImageSets/Main; empty takes all of VOC's Annotations. */
    train: z.string().default(''),
    /** The same; empty holds every fifth image of `train` back. */
    test: z.string().default(''),
    /** Folder of the images, below `root`; empty is that of the JSON file, or JPEGImages. */
    images: z.string().default(''),
    /** Pixels of the network's input. */
    width: z.int().min(16).default(160),
    height: z.int().min(16).default(128),
    /** How images come to this size: in proportion, or stretched. */
    fit: z.enum(['inside', 'stretch']).default('inside'),
    /** Flips under which objects stay what they are. */
    flips: z.enum(['none', 'horizontal', 'vertical', 'both']).default('horizontal'),
    /** Refuse data of which anything would have to be dropped or changed. */
    strict: z.boolean().default(false),
  },
  model: {
    head: z.enum(['fcos', 'retina']).default('fcos'),
    /** Channels of the backbone's first level. */
    width: z.int().positive().default(32),
  },
  test: {
    /** Pictures of predictions with every evaluation. */
    pictures: z.boolean().default(true),
    /** Test-time augmentation with the last evaluation. */
    tta: z.boolean().default(true),
  },
} as const;

type DetectionConfigInput = ConfigInput<typeof EXTENSION>;

/** A recipe for small data sets, trained from scratch, and what differs from it. */
export function detectionConfig({ solver, ...values }: DetectionConfigInput) {
  return defineConfig(
    {
      test: { evalPeriod: 400 },
      checkpoint: { period: 400, maxToKeep: 2, best: 'bbox/AP' },
      ...values,
      solver: {
        optimizer: 'adam',
        batchSize: 16,
        maxIterations: 1700,
        baseLr: 0.002,
        weightDecay: 0,
        lrSchedule: 'WarmupCosineLR',
        warmupIterations: 100,
        clipGradients: { enabled: true, type: 'global-norm', value: 5 },
        ...solver,
      },
    },
    EXTENSION,
  );
}

export type DetectionConfig = ReturnType<ReturnType<typeof detectionConfig>['resolve']>;
