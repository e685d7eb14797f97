import { assertKnownOptions, type DatasetEvaluator, type Logger, type OptionNames, type Results } from '@hookline/core';
import { writeCocoResults } from '../coco-eval/coco-results.ts';
import type { CocoDetection, CocoGroundTruth } from '../coco-eval/coco-types.ts';
import { evaluateCoco } from '../coco-eval/evaluate-coco.ts';
import { categoryPrecisions, summarizeCoco } from '../coco-eval/summarize-coco.ts';
import type { DenseOutputs } from '../detector/dense-head.ts';
import type { Detections } from '@hookline/images';
import { type CollectedDetections, DetectionCollector, type CollectorOptions } from './detection-collector.ts';
import { type DetectionDataset, indexTruth, type IndexedTruth } from './detection-dataset.ts';
import { logPrecision, type Precisions, warnNoDetections } from './log-precision.ts';

/** Options of {@link CocoEvaluator}. */
export interface CocoEvaluatorOptions extends CollectorOptions {
  /** The ground truth: a data set, or the content of a COCO file. */
  readonly truth: CocoGroundTruth | DetectionDataset;
  /** File to which detections are written in COCO's results format; its folders are created. @default none is written */
  readonly resultsFile?: string;
  /** Maximum numbers of detections per image and category, the best scores first. @default [1, 10, 100] */
  readonly maxDets?: readonly number[];
  /** Key of the results. @default 'bbox' */
  readonly task?: string;
  /** Logs AP and the AP of each class, and a warning when nothing was detected. @default no log */
  readonly logger?: Pick<Logger, 'info' | 'warn'>;
}

const OPTIONS = {
  truth: true,
  resultsFile: true,
  maxDets: true,
  task: true,
  logger: true,
  images: true,
  postprocess: true,
} as const satisfies OptionNames<CocoEvaluatorOptions>;

/**
 * Computes COCO's metrics of a detector, times 100: AP, AP50, AP75, and APs, APm, APl by size; with several classes also the AP
 * of each, as `AP-name` (detectron2's COCOEvaluator). A metric without objects is NaN, and all metrics are NaN when nothing was
 * detected.
 *
 * The outputs may be those of a dense head, or detections for each image in pixels of the batch.
 *
 * @example evaluator({ period: 500, loader: testBatches, evaluators: new CocoEvaluator({ truth: testSet }) })
 */
export class CocoEvaluator implements DatasetEvaluator {
  readonly #options: CocoEvaluatorOptions;
  readonly #truth: IndexedTruth;
  readonly #collector: DetectionCollector;

  /** @throws HooklineError `HKL_OPTION_UNKNOWN` */
  constructor(options: CocoEvaluatorOptions) {
    assertKnownOptions('CocoEvaluator', options, OPTIONS);
    this.#options = options;
    this.#truth = indexTruth(options.truth);
    this.#collector = new DetectionCollector(this.#truth, options);
  }

  /** The detections since the last reset, in pixels of the images of the records. */
  get detections(): readonly CocoDetection[] {
    return this.#collector.detections;
  }

  reset(): void {
    this.#collector.reset();
  }

  /** @throws HooklineError `HKL_DETECT_RECORDS`, `HKL_DETECT_IMAGE`, `HKL_DETECT_CLASS` */
  process(batch: unknown, outputs: unknown): Promise<void> {
    return this.#collector.add(batch, outputs as DenseOutputs | readonly Detections[]);
  }

  share(): CollectedDetections {
    return this.#collector.share();
  }

  merge(parts: readonly CollectedDetections[]): void {
    this.#collector.merge(parts);
  }

  async evaluate(): Promise<Results | undefined> {
    const { resultsFile, task = 'bbox', maxDets, logger } = this.#options;
    const { images, detections } = this.#collector;
    if (images === 0) return undefined;
    if (resultsFile !== undefined) await writeCocoResults(resultsFile, detections);
    if (detections.length === 0) warnNoDetections(logger, images);
    const evaluation = evaluateCoco(this.#truth.truth, detections, maxDets === undefined ? {} : { maxDets });
    const percent = (value: number): number => (value < 0 || detections.length === 0 ? NaN : value * 100);
    const { AP, AP50, AP75, APs, APm, APl } = summarizeCoco(evaluation);
    const results: Precisions = {
      AP: percent(AP),
      AP50: percent(AP50),
      AP75: percent(AP75),
      APs: percent(APs),
      APm: percent(APm),
      APl: percent(APl),
    };
    const names = new Map(this.#truth.truth.categories.map(({ id, name }) => [id, name]));
    if (names.size > 1) {
      categoryPrecisions(evaluation).forEach((value, place) => {
        results[`AP-${names.get(evaluation.categories[place] as number) as string}`] = percent(value);
      });
    }
    if (detections.length > 0) logPrecision(logger, task, results);
    return { [task]: results };
  }
}
