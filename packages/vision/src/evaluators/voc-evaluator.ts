import { assertKnownOptions, type DatasetEvaluator, type Logger, type OptionNames, type Results } from '@hookline/core';
import { writeCocoResults } from '../coco-eval/coco-results.ts';
import type { CocoGroundTruth } from '../coco-eval/coco-types.ts';
import { evaluateVoc } from '../coco-eval/voc-ap.ts';
import type { DenseOutputs } from '../detector/dense-head.ts';
import type { Detections } from '@hookline/images';
import { type CollectedDetections, DetectionCollector, type CollectorOptions } from './detection-collector.ts';
import { type DetectionDataset, indexTruth, type IndexedTruth } from './detection-dataset.ts';
import { logPrecision, type Precisions, warnNoDetections } from './log-precision.ts';

/** Options of {@link VocEvaluator}. */
export interface VocEvaluatorOptions extends CollectorOptions {
  /** The ground truth: a data set, or the content of a COCO file. Objects marked `difficult` are ignored. */
  readonly truth: CocoGroundTruth | DetectionDataset;
  /** File to which detections are written in COCO's results format; its folders are created. @default none is written */
  readonly resultsFile?: string;
  /** Whether to use the eleven-point AP of VOC 2007. @default false */
  readonly use2007?: boolean;
  /** Key of the results. @default 'bbox' */
  readonly task?: string;
  /** Logs AP and the AP of each class, and a warning when nothing was detected. @default no log */
  readonly logger?: Pick<Logger, 'info' | 'warn'>;
}

const OPTIONS = {
  truth: true,
  resultsFile: true,
  use2007: true,
  task: true,
  logger: true,
  images: true,
  postprocess: true,
} as const satisfies OptionNames<VocEvaluatorOptions>;

/**
 * Computes Pascal VOC's metrics of a detector, times 100: AP averaged over IoUs from 0.5 to 0.95, AP50 and AP75, all averaged
 * over the classes; with several classes also the AP of each, as `AP-name` (detectron2's PascalVOCDetectionEvaluator).
 *
 * The AP of a class without objects is NaN and is left out of the averages.
 */
export class VocEvaluator implements DatasetEvaluator {
  readonly #options: VocEvaluatorOptions;
  readonly #truth: IndexedTruth;
  readonly #collector: DetectionCollector;

  /** @throws HooklineError `HKL_OPTION_UNKNOWN` */
  constructor(options: VocEvaluatorOptions) {
    assertKnownOptions('VocEvaluator', options, OPTIONS);
    this.#options = options;
    this.#truth = indexTruth(options.truth);
    this.#collector = new DetectionCollector(this.#truth, options);
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
    const { use2007 = false, task = 'bbox', resultsFile, logger } = this.#options;
    const { images, detections } = this.#collector;
    if (images === 0) return undefined;
    if (resultsFile !== undefined) await writeCocoResults(resultsFile, detections);
    if (detections.length === 0) warnNoDetections(logger, images);
    const { precision, categories } = evaluateVoc(this.#truth.truth, detections, { use2007 });
    const means = precision.map((row) => mean(row) * 100);
    const [FIFTY, SEVENTY_FIVE] = [0, 5];
    const results: Precisions = {
      AP: mean(means),
      AP50: means[FIFTY] as number,
      AP75: means[SEVENTY_FIVE] as number,
    };
    const names = new Map(this.#truth.truth.categories.map(({ id, name }) => [id, name]));
    if (categories.length > 1) {
      categories.forEach((id, place) => {
        results[`AP-${names.get(id) as string}`] = mean(precision.map((row) => row[place] as number)) * 100;
      });
    }
    if (detections.length > 0) logPrecision(logger, task, results);
    return { [task]: results };
  }
}

/** Mean of the values that are not NaN; NaN when there are none. */
function mean(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}
