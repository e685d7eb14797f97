import { assertKnownOptions, HooklineError } from '@hookline/core';
import type { CocoDetection } from '../coco-eval/coco-types.ts';
import type { DenseOutputs } from '../detector/dense-head.ts';
import { type Detections, toImagePixels } from '@hookline/inference/detections';
import { postprocess, POSTPROCESS_OPTIONS, type PostprocessOptions } from '../postprocess/postprocess.ts';
import { type BatchImage, findBatchImages, inputSize } from './batch-images.ts';
import type { IndexedTruth } from './detection-dataset.ts';

/** Options of {@link DetectionCollector}. */
export interface CollectorOptions {
  /** Returns the images of a batch in the order of its rows. @default the `records` of the batch */
  readonly images?: (batch: unknown) => readonly BatchImage[];
  /** Score threshold, suppression and limits that turn outputs into detections. */
  readonly postprocess?: PostprocessOptions;
}

/** The detections that a {@link DetectionCollector} holds. */
export interface CollectedDetections {
  readonly images: number;
  readonly detections: readonly CocoDetection[];
}

/** Collects a model's detections in a data set, in pixels of the records' images. */
export class DetectionCollector {
  readonly #truth: IndexedTruth;
  readonly #options: CollectorOptions;
  #detections: CocoDetection[] = [];
  #images = 0;

  /** @throws HooklineError `HKL_OPTION_UNKNOWN` */
  constructor(truth: IndexedTruth, options: CollectorOptions) {
    assertKnownOptions('option "postprocess" of an evaluator', options.postprocess, POSTPROCESS_OPTIONS);
    this.#truth = truth;
    this.#options = options;
  }

  get detections(): readonly CocoDetection[] {
    return this.#detections;
  }

  /** Number of images processed since the last reset. */
  get images(): number {
    return this.#images;
  }

  reset(): void {
    this.#detections = [];
    this.#images = 0;
  }

  /**
   * Adds the detections of a batch.
   *
   * @param outputs those of a dense head, or detections of each image in pixels of the batch. Rows after the last image are padding
   * @throws HooklineError `HKL_DETECT_RECORDS`, `HKL_DETECT_IMAGE`, `HKL_DETECT_CLASS`
   */
  async add(batch: unknown, outputs: DenseOutputs | readonly Detections[]): Promise<void> {
    const images = (this.#options.images ?? findBatchImages)(batch);
    const found = isList(outputs) ? outputs : await postprocess(outputs, this.#options.postprocess);
    images.forEach((image, row) => {
      const one = found[row];
      if (one === undefined) throw tooFew(images.length, found.length);
      this.#addImage(batch, image, one);
    });
  }

  /** The detections in this rank's share of the data. */
  share(): CollectedDetections {
    return { images: this.#images, detections: this.#detections };
  }

  /** Replaces its detections with those of all ranks, in the order of the data. */
  merge(parts: readonly CollectedDetections[]): void {
    this.#detections = parts.flatMap(({ detections }) => detections);
    this.#images = parts.reduce((sum, { images }) => sum + images, 0);
  }

  #addImage(batch: unknown, image: BatchImage, found: Detections): void {
    const { imageId } = image;
    const number = this.#truth.imageNumbers.get(imageId);
    if (number === undefined) throw unknownImage(imageId);
    const shown =
      image.inputWidth === undefined || image.inputHeight === undefined
        ? inputSize(batch)
        : { width: image.inputWidth, height: image.inputHeight };
    const { boxes, scores, classes } = toImagePixels(found, shown, image);
    this.#images++;
    for (let row = 0; row < scores.length; row++) {
      const category = this.#truth.categoryIds[classes[row] as number];
      if (category === undefined) throw unknownClass(classes[row] as number, this.#truth.categoryIds.length);
      const [x1, y1, x2, y2] = boxes.subarray(row * 4, row * 4 + 4) as unknown as [number, number, number, number];
      this.#detections.push({
        image_id: number,
        category_id: category,
        bbox: [x1, y1, x2 - x1, y2 - y1],
        score: scores[row] as number,
      });
    }
  }
}

const isList = (outputs: DenseOutputs | readonly Detections[]): outputs is readonly Detections[] =>
  Array.isArray(outputs);

const tooFew = (images: number, found: number): HooklineError =>
  new HooklineError('HKL_DETECT_RECORDS', `the batch names ${images} images, and there are detections for ${found}`, {
    who: 'detection evaluation',
    fix: 'Name as many images as the model is given',
  });

const unknownImage = (id: number | string): HooklineError =>
  new HooklineError('HKL_DETECT_IMAGE', `the batch holds the image "${id}", which the ground truth does not have`, {
    who: 'detection evaluation',
    fix: 'Evaluate with a loader and a ground truth of the same data set',
  });

const unknownClass = (index: number, classes: number): HooklineError =>
  new HooklineError('HKL_DETECT_CLASS', `the model detects class ${index}, the data set has ${classes} classes`, {
    who: 'detection evaluation',
    fix: 'Evaluate with a data set of the classes that the model was made for',
  });
