import { describeCause, type TapWatch } from '@hookline/core';
import type tf from '#tfjs';
import { indexOutOfRange } from '../kernels/gather.ts';
import { rankFault } from '../ranks/all-reduce.ts';
import { isGood, type FigureNames } from '../gradients/step-figures.ts';
import type { TrainStep } from '../step/train-step.ts';
import { batchSignature, batchTensors } from '../batch/batch-tensors.ts';
import { describePlace, isNumberAt } from '../recording/batch-values.ts';
import { captureError, withoutKernel } from '../graph/capture-errors.ts';
import { compareRecords } from '../recording/compare-records.ts';
import { planFeeds, withFeeds } from '../recording/feed-plan.ts';
import { GraphSession } from '../session/graph-session.ts';
import type { NativeBackend, NativeTensor } from '../device/native-backend.ts';
import { allVariables, recordStep, type RecordedStep } from '../recording/record-step.ts';
import { CLOCK_SHIFT, recordRepeatedly } from '../recording/record-repeatedly.ts';
import { ResidentVariables } from '../session/resident-variables.ts';
import {
  auditStep,
  isAuditRun,
  isOutdated,
  StepCache,
  type CachedStep,
  type RecordTransform,
} from '../session/step-cache.ts';
import { StepKeys } from './step-keys.ts';

/** The results of a captured step. */
export interface StepScalars {
  /** The names of the entries of `values`. */
  readonly names: FigureNames;
  /** The names of the metrics that taps reported. */
  readonly metrics: readonly string[];
  /** The losses, their sum where there are several, and the values of the finiteness check. */
  readonly values: Float32Array;
  /** The metrics' values, in the order of `metrics`. Empty where `isFinite` is false. */
  readonly reported: Float32Array;
  /** False where the loss or a gradient of the update is not finite; the step has changed nothing then. */
  readonly isFinite: boolean;
}

/** The number and the size of the captured graphs, and the time that capturing took. */
export interface CaptureReport {
  /** The number of recorded steps that are kept. */
  readonly graphs: number;
  /** The number of nodes in the session's graph. */
  readonly nodes: number;
  /** Total seconds of recording, graph passes, loading and first runs, in which TensorFlow prepares the graph. */
  readonly seconds: number;
}

/** Options of {@link CapturedSteps}. */
export interface CapturedStepsOptions {
  readonly backend: NativeBackend;
  readonly step: TrainStep;
  readonly taps: TapWatch | undefined;
  readonly transform: RecordTransform;
  /** Whether the variables stay unchanged where a loss or a gradient is not finite. */
  readonly isChecked: boolean;
  /** The most recorded steps to keep, one per signature of the batch and choices of the host. Default: see {@link StepCache}. */
  readonly limit: number | undefined;
  /** Whether every step must be captured, even for batches of a rare shape. */
  readonly isRequired: boolean;
  /** Called with lines about steps that are not captured, and about progress where capturing takes more than a second. */
  readonly log: (line: string) => void;
}

const NONE = new Float32Array();

/** The seconds of recording after which a log line reports progress. */
const SLOW = 1;

/** Runs train steps as graphs in one session. A step is recorded when a batch with a new signature arrives. */
export class CapturedSteps {
  readonly #options: CapturedStepsOptions;
  readonly #cache: StepCache;
  readonly #keys = new StepKeys();
  readonly #residents: ResidentVariables;
  readonly #said = new Set<string>();
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

  /** The recorded steps, each as recorded and as it is in the graph. */
  get steps(): readonly CachedStep[] {
    return [...this.#cache.values()];
  }

  /**
   * Captures the step for a batch of this signature without running it. Variables keep their values.
   *
   * @throws HooklineError `HKL_CAPTURE_...` where the step cannot be captured
   */
  prepare(iteration: number, batch: unknown): void {
    this.#find(iteration, batch);
  }

  /**
   * Runs the captured step on a batch, and captures it first where necessary.
   *
   * @returns undefined where this step should run eagerly, because batches of this signature are too rare, or a plain value of
   *   the batch on which the step depends has changed too often
   * @throws HooklineError `HKL_CAPTURE_...` where the step cannot be captured; nothing has changed then
   */
  run(iteration: number, batch: unknown): StepScalars | undefined {
    const tensors = batchTensors(batch);
    const step = this.#find(iteration, batch, tensors);
    if (step === undefined) return undefined;
    const start = performance.now();
    const scalars = this.#run(step, tensors);
    if (step.runs === 0) this.#seconds += (performance.now() - start) / 1000;
    step.runs++;
    return scalars;
  }

  #find(iteration: number, batch: unknown, tensors = batchTensors(batch)): CachedStep | undefined {
    const { scope } = this.#options.step;
    scope.seek(iteration);
    const family = `${batchSignature(tensors)} ${scope.variantKey()}`;
    const record = (clock = 0): RecordedStep =>
      recordStep({
        ...this.#options,
        iteration,
        batch,
        tensors,
        clock,
        onRead: (path) => {
          this.#keys.note(family, path);
        },
      });
    const cached = this.#cache.get(this.#keys.key(family, batch));
    if (cached === undefined) return this.#add(family, batch, record);
    const isReplaced = isOutdated(cached, this.#options.backend);
    if (isReplaced || isAuditRun(cached.runs, cached.recorded.record.nodes.length)) {
      const again = record(CLOCK_SHIFT * (cached.runs + 1));
      try {
        const difference = auditStep(cached, again, isReplaced);
        if (difference !== undefined) throw difference;
      } finally {
        again.free();
      }
    }
    return cached;
  }

  /** Captures the step for a batch with a new key, unless such batches are too rare. */
  #add(family: string, batch: unknown, record: (clock?: number) => RecordedStep): CachedStep | undefined {
    const { isRequired } = this.#options;
    const { isFull, size } = this.#cache;
    const before = this.#keys.key(family, batch);
    const relatives = this.#relatives(family);
    if (relatives.length > 0) {
      // Only plain host values differ from earlier batches; a recording shows whether the step depends on them.
      const changing = this.#keys.changing(family, batch);
      if (!isRequired && this.#keys.isClosed(family)) return undefined;
      const same = this.#sameAs(relatives, record);
      if (same !== undefined) {
        this.#cache.alias(this.#keys.key(family, batch), same);
        this.#keys.noteUnchanged(family, changing);
        return same;
      }
      if (relatives.length >= StepKeys.LIMIT) {
        this.#keys.close(family);
        this.#refuseValue(changing, batch);
        return undefined;
      }
    }
    if (!isRequired && !this.#cache.admits(before)) {
      this.#say(
        'shapes',
        `train step: batches of more than ${size} shapes have come; a graph is kept for each of ${size} and the others, ` +
          'as long as they are rare, run eagerly. Pad batches to few sizes, or put those of one size together',
      );
      return undefined;
    }
    if (isRequired && isFull) {
      this.#say(
        'shapes',
        `train step: batches of more than ${size} shapes have come, and each further one takes the place of a graph. ` +
          'Pad batches to few sizes, put those of one size together, or set capture: "auto", which runs rare ones eagerly',
      );
    }
    return this.#capture(family, batch, record);
  }

  #relatives(family: string): CachedStep[] {
    return this.#keys.known(family).flatMap((key) => this.#cache.peek(key) ?? []);
  }

  #sameAs(relatives: readonly CachedStep[], record: () => RecordedStep): CachedStep | undefined {
    const recorded = record();
    try {
      return relatives.find((each) => compareRecords(each.recorded.record, recorded.record) === undefined);
    } finally {
      recorded.free();
    }
  }

  /** Reports a plain value of the batch that keeps changing and that the step depends on: no graph can follow it. */
  #refuseValue(paths: readonly string[], batch: unknown): void {
    const [path = ''] = paths;
    const { place, now } = describePlace(batch, path);
    const fix = isNumberAt(batch, path)
      ? 'Give it as a tensor: { data: Float32Array.of(value), shape: [] }'
      : 'Turn it into numbers where the data are loaded, and give those as a tensor';
    if (this.#options.isRequired) {
      throw captureError(
        'HKL_CAPTURE_HOST_VALUE',
        `${place}, now ${now}, is no tensor, makes a difference to the step, and has had more than ${StepKeys.LIMIT} values`,
        {},
        { fix },
      );
    }
    this.#say(
      `value ${path}`,
      `train step: ${place} is no tensor and has had more than ${StepKeys.LIMIT} values; with further ones the step runs ` +
        `eagerly. ${fix}`,
    );
  }

  #say(topic: string, line: string): void {
    if (this.#said.has(topic)) return;
    this.#said.add(topic);
    this.#options.log(line);
  }

  /** Frees the session. The tfjs variables hold the current values afterwards. May be called twice. */
  close(): void {
    this.#residents.close();
    this.#session?.close();
    this.#session = undefined;
    this.#cache.clear();
    this.#keys.clear();
  }

  #capture(family: string, batch: unknown, record: (clock?: number) => RecordedStep): CachedStep {
    const start = performance.now();
    let hasLogged = false;
    const recorded = recordRepeatedly((clock) => {
      const made = record(clock);
      const seconds = (performance.now() - start) / 1000;
      if (seconds > SLOW && !hasLogged) {
        hasLogged = true;
        const { length } = made.record.nodes;
        this.#options.log(
          `train step: its ${length} ops were recorded in ${seconds.toFixed(1)} s; recording again, then TensorFlow loads and optimizes the graph`,
        );
      }
      return made;
    });
    const key = this.#keys.add(family, batch);
    const step = this.#cache.add(key, recorded);
    try {
      this.#load();
    } catch (error) {
      this.#cache.delete(key);
      throw error;
    }
    this.#seconds += (performance.now() - start) / 1000;
    return step;
  }

  /** Loads all recorded steps into a new session, which takes over the variables of the previous one. */
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
    const { figures: names, metrics } = step.recorded;
    step.feeds ??= planFeeds(step.record.inputs, train.scope.inputs());
    return withFeeds(backend, step.feeds, tensors, (handles) => {
      this.#residents.push();
      this.#residents.release(step.changes);
      try {
        const [values, reported = NONE] = session.run(step.name, handles).map((each) => this.#take(each)) as [
          Float32Array,
          Float32Array?,
        ];
        const isFinite = isGood(names, values);
        // Where the check fails, the taps' metrics describe an update that was not applied.
        return { names, metrics, values, reported: isFinite ? reported : NONE, isFinite };
      } catch (error) {
        throw (
          rankFault(error) ??
          indexOutOfRange(error, `model "${train.model.name}"`) ??
          (step.runs === 0 ? withoutKernel(error) : error)
        );
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
