import { FORMAT_NAMES } from '@hookline/images';
import { z } from '@hookline/trainer';

const count = z.int().nonnegative();
const fraction = z.number().min(0).max(1);

const aug = z.strictObject({
  /** Whether the last evaluation is repeated with test-time augmentation. */
  enabled: z.boolean().default(true),
  /** Flips of each image in test-time augmentation. Empty uses the flips of training, `input.randomFlip`. */
  flips: z.array(z.enum(['none', 'horizontal', 'vertical', 'both'])).default([]),
  /** Factors of the input size; each flip is predicted at each of these scales. */
  scales: z.array(z.number().positive()).min(1).default([1, 1.25]),
  /** Whether to use test-time augmentation in every evaluation, not only in the last one. */
  everyEvaluation: z.boolean().default(false),
});

/** The keys that detection adds to those of every config. */
export const DETECTION_KEYS = {
  data: {
    /** Folder of the data; needed unless all data sets come from a catalog. */
    root: z.string().default(''),
    /** Format of the data; `auto` detects it. */
    format: z.enum(['auto', ...FORMAT_NAMES]).default('auto'),
    /** Folders outside of `root` from which images may be read, by absolute path, `../` or link. */
    outside: z.array(z.string().min(1)).default([]),
    /** Folder of the images, relative to `root`. Empty finds them. */
    images: z.string().default(''),
    /** Names of the classes to detect, in order. Empty uses the classes in the training data. */
    classes: z.array(z.string().min(1)).default([]),
    /** How much of each image is checked before training: everything, the header, or nothing. `auto` checks everything for up to 5000 images. */
    checkImages: z.enum(['auto', 'decode', 'header', 'none']).default('auto'),
    /** Whether it is an error if anything in the data has to be dropped or changed. */
    strict: z.boolean().default(false),
  },
  budget: {
    /**
     * Minutes that training may take. Sizes and schedule that are not set explicitly are chosen for this time, from the data and the duration of
     * a few steps. 0 chooses nothing.
     */
    minutes: z.number().nonnegative().default(0),
  },
  input: {
    /** Width of the network's input in pixels. */
    width: z.int().min(16).default(160),
    /** Height of the network's input in pixels. */
    height: z.int().min(16).default(128),
    /** How images are resized to this size: `inside` keeps the proportions, `stretch` does not. */
    fit: z.enum(['inside', 'stretch']).default('inside'),
    /** Side in pixels of the square windows, mostly around objects, on which training runs; 0 trains on whole images. */
    window: z.union([z.literal(0), z.int().min(16)]).default(0),
    /** Random flips that do not change the class of an object. */
    randomFlip: z.enum(['none', 'horizontal', 'vertical', 'both']).default('horizontal'),
  },
  dataloader: {
    /** Number of decoding threads; 0 decodes in the training thread. `auto`: all cores but one, from 1 to 4. */
    numWorkers: z.union([count, z.literal('auto')]).default('auto'),
    /** Order of the training images. */
    samplerTrain: z.enum(['training', 'repeat-factor', 'subset']).default('training'),
    /** `repeat-factor` repeats the images of classes that are in less than this share of the images. */
    repeatThreshold: fraction.default(0),
    /** Share of the images that `subset` uses. */
    subsetRatio: z.number().positive().max(1).default(1),
    /** Whether a batch contains either wide images or other images, but not both. */
    aspectRatioGrouping: z.boolean().default(false),
    /** Whether to leave out training images without an object. */
    filterEmptyAnnotations: z.boolean().default(true),
    /** Whether to keep decoded images in memory, at the size of the network's input. */
    cache: z.boolean().default(true),
  },
  model: {
    /** Head of the detector: that of FCOS, or that of RetinaNet with anchors. */
    head: z.enum(['fcos', 'retina']).default('fcos'),
    /**
     * `small` is trained from scratch. The others are torchvision's networks with a feature pyramid at strides 8, 16 and 32, for
     * pretrained weights.
     */
    backbone: z.enum(['small', 'resnet18', 'resnet50', 'mobilenetV3Small']).default('small'),
    /** Number of channels of the small backbone's first level. The features of every backbone have twice as many. */
    width: z.int().positive().default(32),
    /** Number of frozen stages of the backbone, counted from the input. The stem counts as a stage; in the small backbone, it belongs to the first stage. */
    frozenStages: count.default(0),
    /** Whether to freeze all batch norms of the backbone: scales, offsets and statistics. */
    frozenBatchNorm: z.boolean().default(false),
    /** Weight of the softmax loss between classes at the objects; see `fcosHead`. Only for the head `fcos`. */
    softmaxWeight: z.number().nonnegative().default(0),
  },
  test: {
    /** Which metrics to compute: COCO's, Pascal VOC's, or those of VOC 2007. `auto` follows the format of each data set. */
    evaluator: z.enum(['auto', 'coco', 'voc', 'voc2007']).default('auto'),
    /** Number of images in a test batch. */
    batchSize: z.int().positive().default(16),
    /** Largest number of detections per image. */
    detectionsPerImage: z.int().positive().default(100),
    /** Detections with a lower score are dropped. */
    scoreThreshold: fraction.default(0.05),
    /** Largest IoU of two detections of the same class; of two that overlap more, the one with the lower score is dropped. */
    nmsThreshold: fraction.default(0.5),
    /** Whether to draw pictures of predictions with every evaluation. */
    pictures: z.boolean().default(true),
    /** Test-time augmentation; its results are under `bbox_TTA`. */
    aug: aug.prefault({}),
  },
} as const;
