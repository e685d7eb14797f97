import { FORMAT_NAMES } from '@hookline/images';
import { z } from '@hookline/trainer';

const count = z.int().nonnegative();
const fraction = z.number().min(0).max(1);

const aug = z.strictObject({
  enabled: z.boolean().default(true),
  /** Views of each image; empty takes those in which training shows the images, by `input.randomFlip`. */
  flips: z.array(z.enum(['none', 'horizontal', 'vertical', 'both'])).default([]),
  /** Of the sides, for each flip. */
  scales: z.array(z.number().positive()).min(1).default([1, 1.25]),
  /** With every evaluation, not with the last one only. */
  everyEvaluation: z.boolean().default(false),
});

/** The keys that detection adds to those of every config. */
export const DETECTION_KEYS = {
  data: {
    /** Folder of the data; needed unless all data sets come from a catalog. */
    root: z.string().default(''),
    /** Format of the data; `auto` finds it out. */
    format: z.enum(['auto', ...FORMAT_NAMES]).default('auto'),
    /** Folders outside of `root` from which images may be read, by absolute path, `../` or link. */
    outside: z.array(z.string().min(1)).default([]),
    /** Folder of the images, below `root`; empty finds them. */
    images: z.string().default(''),
    /** Names of the classes to detect, in order; empty takes those in the training data. */
    classes: z.array(z.string().min(1)).default([]),
    /** How much of each image is looked at before training: all of it, its header, or nothing; `auto`: all of it up to 5000 images. */
    checkImages: z.enum(['auto', 'decode', 'header', 'none']).default('auto'),
    /** Refuse data of which anything would have to be dropped or changed. */
    strict: z.boolean().default(false),
  },
  budget: {
    /**
     * Minutes that a training may take: sizes and schedule are chosen for it, from the data and the time of a few steps, as far
     * as nobody has written them. 0 leaves them as they are.
     */
    minutes: z.number().nonnegative().default(0),
  },
  input: {
    /** Pixels of the network's input. */
    width: z.int().min(16).default(160),
    height: z.int().min(16).default(128),
    /** How images come to this size: in proportion, or stretched. */
    fit: z.enum(['inside', 'stretch']).default('inside'),
    /** Side of the square windows, mostly around objects, that training cuts out of the input; 0 trains on all of it. */
    window: z.union([z.literal(0), z.int().min(16)]).default(0),
    /** Flips at random under which objects stay what they are. */
    randomFlip: z.enum(['none', 'horizontal', 'vertical', 'both']).default('horizontal'),
  },
  dataloader: {
    /** Threads that decode; 0 decodes in that of the training. `auto`: all cores but one, from 1 to 4. */
    numWorkers: z.union([count, z.literal('auto')]).default('auto'),
    /** Order of the training images. */
    samplerTrain: z.enum(['training', 'repeat-factor', 'subset']).default('training'),
    /** Share of the images below which the images of a class are repeated, by `repeat-factor`. */
    repeatThreshold: fraction.default(0),
    /** Share of the images that `subset` takes. */
    subsetRatio: z.number().positive().max(1).default(1),
    /** Batches hold wide images or others, not both. */
    aspectRatioGrouping: z.boolean().default(false),
    /** Leave out training images without an object. */
    filterEmptyAnnotations: z.boolean().default(true),
    /** Keep decoded images, at the size of the network's input, in memory. */
    cache: z.boolean().default(true),
  },
  model: {
    head: z.enum(['fcos', 'retina']).default('fcos'),
    /**
     * `small` is trained from scratch; the others are torchvision's networks with a feature pyramid at strides 8, 16 and 32, for
     * pretrained weights.
     */
    backbone: z.enum(['small', 'resnet18', 'resnet50', 'mobilenetV3Small']).default('small'),
    /** Channels of the first level of the small backbone; the features of every backbone have twice as many. */
    width: z.int().positive().default(32),
    /** Stages of the backbone that are frozen, from the images on; the stem counts as one, that of the small backbone to its first stage. */
    frozenStages: count.default(0),
    /** Freeze all batch norms of the backbone: scales, offsets and statistics. */
    frozenBatchNorm: z.boolean().default(false),
    /** Weight of the loss that tells classes apart at the objects; see `fcosHead`. Of the head `fcos` alone. */
    softmaxWeight: z.number().nonnegative().default(0),
  },
  test: {
    /** Metrics: COCO's, those of Pascal VOC, of VOC 2007, or by the format of each data set. */
    evaluator: z.enum(['auto', 'coco', 'voc', 'voc2007']).default('auto'),
    /** Images of a batch. */
    batchSize: z.int().positive().default(16),
    /** Detections that are kept of each image. */
    detectionsPerImage: z.int().positive().default(100),
    /** Less certain ones are none. */
    scoreThreshold: fraction.default(0.05),
    /** Boxes of one class that overlap by more are one. */
    nmsThreshold: fraction.default(0.5),
    /** Pictures of predictions with every evaluation. */
    pictures: z.boolean().default(true),
    /** Test-time augmentation: results under `bbox_TTA`. */
    aug: aug.prefault({}),
  },
} as const;
