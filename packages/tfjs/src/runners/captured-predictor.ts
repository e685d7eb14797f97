import { describeCause, HooklineError } from '@hookline/core';
import tf from '#tfjs';
import type { TrainableModel } from '../model/trainable-model.ts';
import { captureError, isCaptureProblem, isTooLate, withSentence } from '../graph/capture-errors.ts';
import { compareRecords } from '../recording/compare-records.ts';
import { keepActivations } from '../graph/keep-activations.ts';
import { batchInput } from '../recording/feed-plan.ts';
import { pruneAndSort } from '../graph/graph-edit.ts';
import { copyRecord, type GraphRecord, type Origin } from '../graph/graph-record.ts';
import { GraphSession } from '../session/graph-session.ts';
import { asNativeBackend, handleOf, type NativeBackend, type NativeBinding } from '../device/native-backend.ts';
import { takeApart } from '../recording/nested-tensors.ts';
import { runPasses } from '../graph/passes/pass-list.ts';
import { predictionVariables, recordPrediction, type RecordedPrediction } from '../recording/record-prediction.ts';
import { CLOCK_SHIFT, recordRepeatedly } from '../recording/record-repeatedly.ts';
import { ResidentVariables } from '../session/resident-variables.ts';
import { isAuditRun } from '../session/step-cache.ts';

/** Options of {@link CapturedPredictor}. */
export interface CapturedPredictorOptions {
  /** The model, whose `predict` is called as its method. */
  readonly model: Pick<TrainableModel, 'name' | 'training' | 'predict'>;
  /**
   * The reaction if the prediction cannot be captured: with `auto` it runs eagerly and a log line says why, with
   * `required` it is an error. @default 'auto'
   */
  readonly capture?: 'auto' | 'required' | undefined;
  /** Whether passes optimize the graph; without them it holds the ops as recorded. @default true */
  readonly optimize?: boolean | undefined;
  /** The most graphs to keep, one per structure and shapes of the inputs. @default 8 */
  readonly graphs?: number | undefined;
  /** Called with lines that say what runs eagerly, and why. @default no log */
  readonly log?: ((line: string) => void) | undefined;
}

/** The captured prediction for inputs of one signature. */
interface Entry {
  readonly name: string;
  /** The recording, kept for comparison with later ones. */
  readonly recorded: RecordedPrediction;
  /** The record as it is in the graph, after the passes. */
  readonly record: GraphRecord;
  runs: number;
}

/**
 * Runs a model's predictions in eval mode as graphs. There is one graph for each structure and shapes of the inputs, recorded
 * when such inputs first arrive. Every run uses the current values of the model's variables, whoever wrote them: a captured
 * train step, an optimizer, a plugin that swaps weights, or a checkpoint.
 *
 * In train mode, inside `tf.grad` and similar functions, and during another recording, the model's own `predict` runs.
 */
export class CapturedPredictor {
  readonly #model: CapturedPredictorOptions['model'];
  readonly #origin: Origin;
  readonly #isRequired: boolean;
  readonly #optimize: boolean;
  readonly #limit: number;
  readonly #log: (line: string) => void;
  readonly #backend: NativeBackend | undefined;
  readonly #binding: NativeBinding | undefined;
  readonly #entries = new Map<string, Entry>();
  #residents: ResidentVariables | undefined;
  #session: GraphSession | undefined;
  #predict: TrainableModel['predict'];
  #reason: string | undefined;
  #count = 0;
  #patience = 0;
  readonly #calls = new Map<string, number>();
  #hasSaidShapes = false;

  /** @throws HooklineError `HKL_CAPTURE_BACKEND` with `required` where TensorFlow does not run natively */
  constructor({ model, capture = 'auto', optimize = true, graphs = 8, log }: CapturedPredictorOptions) {
    this.#model = model;
    this.#origin = { who: `model "${model.name}"` };
    this.#isRequired = capture === 'required';
    this.#optimize = optimize;
    this.#limit = graphs;
    this.#log = log ?? (() => undefined);
    this.#backend = asNativeBackend(tf.backend());
    this.#binding = this.#backend?.binding;
    if (this.#backend !== undefined) return;
    this.#reason = `the backend ${tf.getBackend()} runs no TensorFlow graphs`;
    if (!this.#isRequired) return;
    throw new HooklineError('HKL_CAPTURE_BACKEND', this.#reason, {
      ...this.#origin,
      fix: 'Run `hookline setup` for native TensorFlow, or set capture: "auto"',
    });
  }

  /** Whether predictions are captured, the reason where they are not, and the number of graphs. */
  get status(): { readonly isCaptured: boolean; readonly reason?: string | undefined; readonly graphs: number } {
    return { isCaptured: this.#reason === undefined, reason: this.#reason, graphs: this.#entries.size };
  }

  /**
   * Runs the first `predictions` predictions of each signature eagerly before it is captured. Capturing costs as much time as
   * several predictions, so it pays for an evaluation, but not for a few images. With the default of 0 a signature is captured
   * at its first prediction, so an evaluation gives the same bits each time.
   */
  captureAfter(predictions: number): void {
    this.#patience = predictions;
  }

  /**
   * Predicts for inputs on the device.
   *
   * @returns outputs of the structure that the model's own `predict` returns. The caller disposes them.
   * @throws what the model raises; with `required` HooklineError `HKL_CAPTURE_...` where the prediction cannot be captured; and
   *   in either mode where an earlier captured prediction may have been wrong
   */
  predict(inputs: unknown): unknown {
    const backend = this.#backend;
    if (backend === undefined || this.#reason !== undefined || !this.#mayCapture(backend)) return this.#eager(inputs);
    if (this.#predict !== this.#model.predict) this.close();
    this.#predict = this.#model.predict;
    const taken = takeApart(inputs);
    try {
      if (typeof taken === 'string') throw badInputs(taken, this.#origin);
      const entry = this.#find(backend, inputs, taken);
      if (entry === undefined) return this.#eager(inputs);
      const outputs = this.#run(backend, entry, taken.tensors);
      entry.runs++;
      return outputs;
    } catch (error) {
      if (!isCaptureProblem(error) || this.#isRequired || isTooLate(error)) throw error;
      this.close();
      this.#reason = describeCause(error);
      this.#log(`prediction: eager, since it cannot be captured: ${this.#reason}`);
      return this.#eager(inputs);
    }
  }

  /** Frees the graphs. The next prediction records again. May be called twice. */
  close(): void {
    this.#residents?.close();
    this.#session?.close();
    this.#residents = undefined;
    this.#session = undefined;
    for (const { recorded } of this.#entries.values()) recorded.free();
    this.#entries.clear();
    this.#calls.clear();
  }

  #eager(inputs: unknown): unknown {
    return this.#model.predict?.(inputs);
  }

  #mayCapture(backend: NativeBackend): boolean {
    // Gradients need the single ops, and so does a recording, which replaces the backend's binding with its own.
    return !this.#model.training && backend.binding === this.#binding && tf.engine().state.gradientDepth === 0;
  }

  #find(
    backend: NativeBackend,
    inputs: unknown,
    { signature, tensors }: { readonly signature: string; readonly tensors: ReadonlyMap<string, tf.Tensor> },
  ): Entry | undefined {
    const record = (clock?: number): RecordedPrediction =>
      recordPrediction(backend, this.#origin, () => this.#eager(inputs), tensors, clock);
    const known = this.#entries.get(signature);
    if (known !== undefined) {
      if (isAuditRun(known.runs, known.recorded.record.nodes.length))
        this.#audit(known, record(CLOCK_SHIFT * (known.runs + 1)));
      return known;
    }
    if (this.#patience > 0) {
      const calls = this.#calls.get(signature) ?? 0;
      this.#calls.set(signature, calls + 1);
      if (calls < this.#patience) return undefined;
    }
    if (this.#entries.size >= this.#limit) {
      this.#sayShapes();
      if (!this.#isRequired) return undefined;
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#drop(oldest);
    }
    return this.#capture(backend, signature, record);
  }

  #capture(backend: NativeBackend, signature: string, record: (clock?: number) => RecordedPrediction): Entry {
    const recorded = recordRepeatedly(record);
    const graph = copyRecord(recorded.record);
    pruneAndSort(graph);
    if (this.#optimize) runPasses(graph, { precision: 'float32' });
    keepActivations(graph);
    const entry: Entry = { name: `prediction${this.#count++}`, recorded, record: graph, runs: 0 };
    this.#entries.set(signature, entry);
    try {
      this.#load(backend);
    } catch (error) {
      this.#drop(signature);
      throw error;
    }
    return entry;
  }

  #drop(signature: string): void {
    this.#entries.get(signature)?.recorded.free();
    this.#entries.delete(signature);
  }

  #audit(entry: Entry, again: RecordedPrediction): void {
    const difference = compareRecords(entry.recorded.record, again.record);
    again.free();
    if (difference === undefined) return;
    if (entry.runs <= 1) throw difference;
    throw withSentence(
      difference,
      `It has run ${entry.runs} times with the first of the two`,
      'Pass what changes as an input, or set capture: "off"',
    );
  }

  #load(backend: NativeBackend): void {
    const variables = predictionVariables();
    const residents = (this.#residents ??= new ResidentVariables(backend));
    for (const { record } of this.#entries.values()) {
      for (const { variable } of record.variables.values()) {
        const found = variable === undefined ? undefined : variables.get(variable.key);
        if (variable !== undefined && found !== undefined) residents.add(variable, found);
      }
    }
    let session: GraphSession;
    try {
      session = new GraphSession(backend.binding, residents.specs, this.#entries.values());
    } catch (cause) {
      throw refused(cause, this.#origin);
    }
    residents.moveTo(session);
    this.#session?.close();
    this.#session = session;
  }

  #run(backend: NativeBackend, entry: Entry, tensors: ReadonlyMap<string, tf.Tensor>): unknown {
    const session = this.#session as GraphSession;
    this.#residents?.push();
    const prefix = batchInput('').length;
    const handles = session.inputsOf(entry.name).map((name) => {
      const outside = entry.record.inputs.get(name)?.outside?.handle;
      return outside ?? handleOf(backend, tensors.get(name.slice(prefix)) as tf.Tensor);
    });
    let made;
    try {
      made = session.run(entry.name, handles);
    } catch (error) {
      // TensorFlow reports an op without a kernel only when the graph first runs.
      throw entry.runs === 0 ? refused(error, this.#origin) : error;
    }
    const outputs = new Map(session.outputsOf(entry.name).map((path, place) => [path, made[place]]));
    return entry.recorded.rebuild((path) => {
      const output = outputs.get(path);
      if (output === undefined) throw new RangeError(`the graph returns no ${path}`);
      return backend.createOutputTensor(output);
    });
  }

  #sayShapes(): void {
    if (this.#hasSaidShapes) return;
    this.#hasSaidShapes = true;
    const then = this.#isRequired ? 'each further one takes the place of a graph' : 'the others run eagerly';
    this.#log(
      `prediction: inputs of more than ${this.#limit} shapes have come; a graph is kept for each of ${this.#limit} and ${then}`,
    );
  }
}

const badInputs = (what: string, origin: Origin): HooklineError =>
  captureError('HKL_CAPTURE_HOST_VALUE', `its inputs hold ${what}, which is no tensor`, origin, {
    fix: 'Give tensors, numbers, strings and booleans in arrays and plain objects',
  });

const refused = (cause: unknown, origin: Origin): HooklineError =>
  captureError('HKL_CAPTURE_UNSUPPORTED_OP', `TensorFlow cannot run its graph: ${describeCause(cause)}`, origin, {
    fix: 'Set capture: "off"',
    cause,
  });
