import type { Results } from '@hookline/core';
import type { CocoGroundTruth } from '../coco-eval/coco-types.ts';
import { evaluateVoc } from '../coco-eval/voc-ap.ts';
import type { DenseOutputs } from '../model/dense-head.ts';
import type { Detections } from '../postprocess/detections.ts';
import { DetectionCollector, type CollectorOptions } from './detection-collector.ts';
import { type DetectionDataset, indexTruth, type IndexedTruth } from './detection-dataset.ts';

/** Options of {@link VocEvaluator}. */
export interface VocEvaluatorOptions extends CollectorOptions {
  readonly truth: CocoGroundTruth | DetectionDataset;
  /** The eleven-point mean of VOC 2007. @default false */
  readonly use2007?: boolean;
  /** Name of the results. @default 'bbox' */
  readonly task?: string;
}

/** Pascal VOC's metrics of a detector, times 100: AP over the IoUs from 0.5 to 0.95, AP50, AP75; means over the classes. */
export class VocEvaluator {
  readonly #options: VocEvaluatorOptions;
  readonly #truth: IndexedTruth;
  readonly #collector: DetectionCollector;

  constructor(options: VocEvaluatorOptions) {
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

  evaluate(): Results | undefined {
    if (this.#collector.images === 0) return undefined;
    const { use2007 = false, task = 'bbox' } = this.#options;
    const { precision } = evaluateVoc(this.#truth.truth, this.#collector.detections, { use2007 });
    const means = precision.map((row) => mean(row.filter((value) => !Number.isNaN(value))) * 100);
    const [FIFTY, SEVENTY_FIVE] = [0, 5];
    return { [task]: { AP: mean(means), AP50: means[FIFTY] as number, AP75: means[SEVENTY_FIVE] as number } };
  }
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
