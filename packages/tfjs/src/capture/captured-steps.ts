import { describeCause, type TapWatch } from '@hookline/core';
import type * as tf from '@tensorflow/tfjs';
import { indexOutOfRange } from '../kernels/gather.ts';
import type { TrainStep } from '../step/train-step.ts';
import { batchSignature, batchTensors } from './batch-tensors.ts';
import { captureError } from './capture-errors.ts';
import { compareRecords } from './compare-records.ts';
import { planFeeds, withFeeds } from './feed-plan.ts';
import { GraphSession } from './graph-session.ts';
import { specOf, valueOf } from './graph-record.ts';
import type { NativeBackend, NativeTensor } from './native-backend.ts';
import { allVariables, recordStep, type RecordedStep } from './record-step.ts';
import { ResidentVariables } from './resident-variables.ts';
import { auditStep, isAuditRun, StepCache, type CachedStep, type RecordTransform } from './step-cache.ts';

/** What a captured step gives back. */
export interface StepScalars {
  readonly names: readonly string[];
  /** Names of what taps have reported. */
  readonly metrics: readonly string[];
  /** The losses in the order of the names, then their sum. */
  readonly values: Float32Array;
  /** What taps have reported, in the order of the metrics; none where nothing has changed. */
  readonly reported: Float32Array;
  /** False where the sum is not finite; then nothing has changed. */
  readonly isFinite: boolean;
}

/** Figures about capturing. */
export interface CaptureReport {
  /** Recorded steps that are kept. */
  readonly graphs: number;
  /** Nodes of the session's graph. */
  readonly nodes: number;
  /** Seconds spent on recording, passes and loading, in all. */
  readonly seconds: number;
}

/** Options of {@link CapturedSteps}. */
export interface CapturedStepsOptions {
  readonly backend: NativeBackend;
  readonly step: TrainStep;
  readonly taps: TapWatch | undefined;
  readonly transform: RecordTransform;
  /** Whether a loss that is not finite leaves the variables alone. */
  readonly isGuarded: boolean;
  /** How many recorded steps are kept, by signature of the batch and choices of the host. */
  readonly limit: number;
}

const NONE = new Float32Array();

/** How many recordings may go by until a step has made all variables that it wants. */
const WARM_UPS = 3;

/** Train steps as graphs in one session, recorded when a signature comes for the first time. */
export class CapturedSteps {
  readonly #options: CapturedStepsOptions;
  readonly #cache: StepCache;
  readonly #residents: ResidentVariables;
  #session: GraphSession | undefined;
  #seconds = 0;

  constructor(options: CapturedStepsOptions) {
    this.#options = options;
    this.#cache = new StepCache(options.limit, options.transform);
    this.#residents = new ResidentVariables(options.backend);
  }

  get report(): CaptureReport {
    return { graphs: this.#cache.size, nodes: this.#session?.nodeCount ?? 0, seconds: this.#seconds };
  }

  /** The recorded steps, as recorded and as they stand in the graph. */
  get steps(): readonly CachedStep[] {
    return [...this.#cache.values()];
  }

  /**
   * Records the step for a batch like this one without running it; variables keep their values.
   *
   * @throws HooklineError `HKL_CAPTURE_...` where the step cannot be captured
   */
  prepare(iteration: number, batch: unknown): void {
    this.#find(iteration, batch);
  }

  /** @throws HooklineError `HKL_CAPTURE_...` where the step cannot be captured; nothing has changed then */
  run(iteration: number, batch: unknown): StepScalars {
    const { step, tensors } = this.#find(iteration, batch);
    const scalars = this.#run(step, tensors);
    step.runs++;
    return scalars;
  }

  #find(
    iteration: number,
    batch: unknown,
  ): { readonly step: CachedStep; readonly tensors: ReadonlyMap<string, tf.Tensor> } {
    const { scope } = this.#options.step;
    const tensors = batchTensors(batch);
    scope.seek(iteration);
    const key = `${batchSignature(tensors)} ${scope.variantKey()}`;
    const cached = this.#cache.get(key);
    const record = (): RecordedStep => recordStep({ ...this.#options, iteration, batch, tensors });
    const step = cached ?? this.#capture(key, record);
    if (cached !== undefined && isAuditRun(cached.runs)) {
      const difference = auditStep(cached, record());
      if (difference !== undefined) throw difference;
    }
    return { step, tensors };
  }

  /** Frees the session; the tfjs variables hold the values from then on. May be called twice. */
  close(): void {
    this.#residents.close();
    this.#session?.close();
    this.#session = undefined;
    this.#cache.clear();
  }

  /** Records twice: what the host draws anew each time shows at once. */
  #capture(key: string, record: () => RecordedStep): CachedStep {
    const start = performance.now();
    let first = record();
    // What a step makes the first time, such as a variable of its own, is there the second time.
    for (let attempt = 1; first.madeVariables && attempt < WARM_UPS; attempt++) first = record();
    if (!this.#options.isGuarded) delete first.record.guard;
    const difference = compareRecords(first.record, record().record);
    if (difference !== undefined) throw difference;
    const step = this.#cache.add(key, first);
    try {
      this.#load();
    } catch (error) {
      this.#cache.delete(key);
      throw error;
    }
    this.#seconds += (performance.now() - start) / 1000;
    return step;
  }

  /** Loads all recorded steps into a new session, which takes the variables over from the one before. */
  #load(): void {
    const variables = allVariables(this.#options.step);
    for (const each of this.#cache.values()) {
      for (const { variable } of each.record.variables.values()) {
        const found = variable === undefined ? undefined : variables.get(variable.key);
        if (variable !== undefined && found !== undefined) this.#residents.add(variable, found);
      }
    }
    const session = this.#open();
    this.#residents.moveTo(session);
    this.#session?.close();
    this.#session = session;
  }

  #open(): GraphSession {
    try {
      return new GraphSession(this.#options.backend.binding, this.#residents.specs, this.#cache.values());
    } catch (cause) {
      throw captureError(
        'HKL_CAPTURE_UNSUPPORTED_OP',
        `TensorFlow refuses the graph: ${describeCause(cause)}`,
        {},
        {
          fix: 'Run this step with capture: "off"',
          cause,
        },
      );
    }
  }

  #run(step: CachedStep, tensors: ReadonlyMap<string, tf.Tensor>): StepScalars {
    const { backend, step: train } = this.#options;
    const session = this.#session as GraphSession;
    const { losses: names, metrics } = step.recorded;
    step.feeds ??= planFeeds(
      Array.from(step.record.inputs, ([name, node]) => [name, specOf(valueOf(node))]),
      train.scope.inputs(),
    );
    return withFeeds(backend, step.feeds, tensors, (handles) => {
      this.#residents.push();
      this.#residents.release(step.changes);
      try {
        const [values, reported] = session.run(step.name, handles).map((each) => this.#take(each));
        const isFinite = !this.#options.isGuarded || Number.isFinite(values?.at(-1));
        // What taps report tells of a step that has not been made then.
        return { names, metrics, values: values ?? NONE, reported: isFinite ? (reported ?? NONE) : NONE, isFinite };
      } catch (error) {
        throw indexOutOfRange(error, `model "${train.model.name}"`) ?? (step.runs === 0 ? withoutKernel(error) : error);
      }
    });
  }

  #take({ id }: NativeTensor): Float32Array {
    const { binding } = this.#options.backend;
    const values = binding.tensorDataSync(id).slice() as Float32Array;
    binding.deleteTensor(id);
    return values;
  }
}

/** An op without a kernel shows when the graph runs for the first time, before anything has been computed. */
function withoutKernel(cause: unknown): unknown {
  const message = describeCause(cause);
  if (!/No OpKernel|OpKernel was registered|Could not find .*kernel/.test(message)) return cause;
  return captureError(
    'HKL_CAPTURE_UNSUPPORTED_OP',
    `TensorFlow cannot run the graph: ${message}`,
    {},
    {
      fix: 'Run this step with capture: "off", or with precision: "float32"',
      cause,
    },
  );
}
