import type { HooklineError } from '@hookline/core';
import type tf from '#tfjs';
import { captureError, drawsOnHost } from '../graph/capture-errors.ts';
import {
  emptyRecord,
  makeConstant,
  makeNode,
  sizeOf,
  specOf,
  typeAttribute,
  placeholderAttributes,
  valueOf,
  variableOf,
  type GraphRecord,
  type Origin,
  type OutsideTensor,
  type RecordNode,
  type TensorSpec,
  type ValueRef,
} from '../graph/graph-record.ts';
import { readAttributes } from './native-attributes.ts';
import {
  aliasOf,
  DataType,
  handleOf,
  type NativeAttribute,
  type NativeBackend,
  type NativeBinding,
  type NativeTensor,
  type NativeTensorInfo,
  type NativeValues,
} from '../device/native-backend.ts';
import { outsideInput } from './feed-plan.ts';
import { ALL_REDUCE } from '../ranks/all-reduce.ts';
import { refuseOp } from './refused-ops.ts';
import { watchTensors } from './watch-tensors.ts';

/**
 * The most elements of a tensor from outside of the step that becomes a constant of the graph, which TensorFlow can fold.
 * Larger tensors are fed, because a graph holds two gigabytes at most and copying the data into it takes time.
 */
const LARGEST_CONSTANT = 2 ** 12;

/** The start of a recording: the tensors that are fed, and the variables that may be read or written. */
export interface RecorderStart {
  readonly inputs: ReadonlyMap<string, tf.Tensor>;
  readonly variables: ReadonlyMap<string, tf.Variable>;
}

/**
 * Records every TensorFlow op that the tfjs-node backend runs between `start` and `finish`. The ops do run: recording a step
 * means running it. Tensor handles identify the edges of the graph. A handle that was not made during the recording belongs to
 * a tensor from outside of the step, which becomes a constant, or an input where it is large.
 */
export class Recorder {
  readonly #backend: NativeBackend;
  readonly #binding: NativeBinding;
  readonly #record: GraphRecord = emptyRecord();
  readonly #values = new Map<number, ValueRef>();
  readonly #variableHandles = new Map<number, string>();
  readonly #startHandles = new Map<string, number>();
  readonly #hostKnown = new Set<RecordNode>();
  readonly #dataIds = new Map<number, object>();
  readonly #outside: number[] = [];
  #variables: ReadonlyMap<string, tf.Variable> = new Map();
  #unwatch = (): void => undefined;
  #taps: Origin[] = [];
  #lastReduce: RecordNode | undefined;
  readonly #outermost: Origin;

  /** @param outermost the origin of ops that run outside of any tap */
  constructor(backend: NativeBackend, outermost: Origin = {}) {
    this.#outermost = outermost;
    this.#backend = backend;
    this.#binding = backend.binding;
  }

  /** Begins to record. Every `start` needs a `stop`, even after an error. */
  start({ inputs, variables }: RecorderStart): void {
    this.#variables = variables;
    for (const [key, variable] of variables) {
      const handle = this.#ownHandle(variable);
      this.#variableHandles.set(handle, key);
      this.#startHandles.set(key, handle);
    }
    for (const [name, tensor] of inputs) this.declareInput(name, tensor);
    this.#backend.binding = this.#wrap();
    this.#unwatch = watchTensors(this.#backend, (dataId, info) => {
      this.#use(dataId, info);
    });
  }

  /** Stops recording. May be called twice. */
  stop(): void {
    this.#backend.binding = this.#binding;
    this.#unwatch();
  }

  /** Frees the record's handles of tensors from outside of the step. The graph cannot be fed afterwards. */
  free(): void {
    for (const handle of this.#outside.splice(0)) this.#binding.deleteTensor(handle);
  }

  /** Makes `tensor` an input of the graph, fed by name at every run. */
  declareInput(name: string, tensor: tf.Tensor): void {
    const handle = handleOf(this.#backend, tensor);
    const known = this.#values.get(handle);
    if (known !== undefined && known.node.op !== 'Const') return;
    const { shape, dtype } = this.#backend.tensorMap.get(tensor.dataId);
    const spec = { shape: [...shape], dtype };
    const node = makeNode('Placeholder', [], [spec], { input: name, attributes: placeholderAttributes(spec) });
    this.#record.nodes.push(node);
    this.#record.inputs.set(name, node);
    this.#values.set(handle, valueOf(node));
  }

  /** Returns the error for a random number that the running tap draws on the host. */
  hostRandom(source?: string): HooklineError {
    return drawsOnHost(this.#origin(), source);
  }

  enter(plugin: string, hook: string): void {
    this.#taps.push({ plugin, hook });
  }

  leave(): void {
    this.#taps.pop();
  }

  /**
   * Stops recording.
   *
   * @param outputs the tensors that the graph returns, by name
   * @param guard a scalar; the graph changes variables only where it is finite
   * @returns the record, with an assignment for each variable whose value differs from that at the start
   */
  finish(outputs: ReadonlyMap<string, tf.Tensor>, guard?: tf.Tensor): GraphRecord {
    this.stop();
    const record = this.#record;
    for (const [key, variable] of this.#variables) {
      const handle = handleOf(this.#backend, variable);
      if (handle === this.#startHandles.get(key)) continue;
      const value = this.#valueOf(handle);
      const target = this.#handleNode(key);
      const assign = makeNode('AssignVariableOp', [valueOf(target), value], [], {
        attributes: new Map([['dtype', typeAttribute(this.#backend.tensorMap.get(variable.dataId).dtype)]]),
      });
      record.nodes.push(assign);
      record.effects.push(assign);
    }
    for (const [name, tensor] of outputs) record.outputs.set(name, this.#valueOf(handleOf(this.#backend, tensor)));
    if (guard !== undefined) record.guard = this.#valueOf(handleOf(this.#backend, guard));
    return record;
  }

  #wrap(): NativeBinding {
    const override = <K extends keyof NativeBinding>(value: NativeBinding[K]): PropertyDescriptor => ({ value });
    return Object.create(this.#binding, {
      createTensor: override<'createTensor'>((shape, dtype, values) => {
        const handle = this.#binding.createTensor(shape, dtype, values);
        // Copied, because the caller may write into its array later.
        this.#addConstant(handle, values.slice(), { shape: [...shape], dtype });
        return handle;
      }),
      executeOp: override<'executeOp'>((op, attributes, inputs, count) => this.#execute(op, attributes, inputs, count)),
      tensorDataSync: override<'tensorDataSync'>((handle) => this.#read(handle)),
      isRecording: override<'isRecording'>(true),
    }) as NativeBinding;
  }

  /** Notes the use of a tensor that is on the device, or was made before the step. */
  #use(dataId: object, info: NativeTensorInfo): void {
    if (info.values !== null) {
      info.id = this.#binding.createTensor(info.shape, info.dtype, info.values);
      info.values = null;
    }
    this.#dataIds.set(info.id, dataId);
    this.#valueOf(info.id);
  }

  #execute(op: string, attributes: NativeAttribute[], inputs: number[], count: number): NativeTensor[] {
    const origin = this.#origin();
    refuseOp(op, origin);
    const sources = inputs.map((handle) => this.#valueOf(handle));
    const types = sources.map((source) => specOf(source).dtype);
    const outputs = this.#binding.executeOp(op, attributes, inputs, count);
    const node = makeNode(
      op,
      sources,
      outputs.map(({ shape, dtype }) => ({ shape: [...shape], dtype })),
      { attributes: readAttributes(this.#binding, op, attributes, types, origin), origin },
    );
    if (op === ALL_REDUCE) {
      // Every rank must run these ops in the same order; otherwise ranks would wait for each other forever.
      if (this.#lastReduce !== undefined) node.controls.push(this.#lastReduce);
      this.#lastReduce = node;
    } else if (sources.every((source) => this.#hostKnown.has(source.node))) this.#hostKnown.add(node);
    this.#record.nodes.push(node);
    outputs.forEach(({ id }, index) => this.#values.set(id, valueOf(node, index)));
    return outputs;
  }

  /** Reads a value. Only a value that depends on nothing but constants may be read, because it is the same in every run. */
  #read(handle: number): NativeValues {
    const value = this.#valueOf(handle);
    if (this.#hostKnown.has(value.node)) return this.#binding.tensorDataSync(handle);
    throw captureError(
      'HKL_CAPTURE_READ',
      `it reads the value of a tensor (${value.node.op}) inside the step`,
      this.#origin(),
      {
        fix: 'Sync taps, losses and optimizers work on tensors only: compute with tensor ops (tf.where, tf.clipByValue, ...), or read in an afterStep tap',
      },
    );
  }

  #valueOf(handle: number): ValueRef {
    const known = this.#values.get(handle);
    if (known !== undefined) return known;
    const key = this.#variableHandles.get(handle);
    if (key === undefined) return valueOf(this.#adopt(handle));
    const target = this.#handleNode(key);
    const { dtype, shape } = variableOf(target);
    const read = makeNode('ReadVariableOp', [valueOf(target)], [{ shape, dtype }], {
      attributes: new Map([['dtype', typeAttribute(dtype)]]),
    });
    this.#record.nodes.push(read);
    this.#record.reads.set(key, read);
    this.#values.set(handle, valueOf(read));
    return valueOf(read);
  }

  /** Adds a tensor that was made before the step and is not declared as an input. Comparing recordings shows if it changes. */
  #adopt(handle: number): RecordNode {
    const alias = aliasOf(this.#binding, handle);
    const spec = { shape: [...alias.shape], dtype: alias.dtype };
    const isFed = sizeOf(spec.shape) > LARGEST_CONSTANT;
    const read = (id: number): NativeValues => this.#binding.tensorDataSync(id);
    const outside = { source: handle, dataId: this.#dataIds.get(handle), handle: isFed ? alias.id : undefined };
    if (isFed) {
      this.#outside.push(alias.id);
      return this.#addFed(handle, spec, { ...outside, values: () => read(alias.id) });
    }
    this.#binding.deleteTensor(alias.id);
    const values = read(handle).slice();
    return this.#addConstant(handle, values, spec, { ...outside, values: () => values });
  }

  #addFed(handle: number, spec: TensorSpec, outside: OutsideTensor): RecordNode {
    const input = outsideInput(this.#outside.length - 1);
    const node = makeNode('Placeholder', [], [spec], {
      input,
      outside,
      origin: this.#origin(),
      attributes: placeholderAttributes(spec),
    });
    this.#record.inputs.set(input, node);
    return this.#addKnown(handle, node);
  }

  #addConstant(handle: number, values: NativeValues, spec: TensorSpec, outside?: OutsideTensor): RecordNode {
    return this.#addKnown(handle, makeConstant(values, spec, this.#origin(), outside));
  }

  /** Adds a node whose value is the same in every run. */
  #addKnown(handle: number, node: RecordNode): RecordNode {
    this.#hostKnown.add(node);
    this.#record.nodes.push(node);
    this.#values.set(handle, valueOf(node));
    return node;
  }

  #handleNode(key: string): RecordNode {
    const known = this.#record.variables.get(key);
    if (known !== undefined) return known;
    const variable = this.#variables.get(key);
    if (variable === undefined) throw new RangeError(`no variable ${key}`);
    const { dtype } = this.#backend.tensorMap.get(variable.dataId);
    const node = makeNode('VarHandleOp', [], [{ shape: [], dtype: DataType.resource }], {
      variable: { key, dtype, shape: [...variable.shape] },
    });
    this.#record.nodes.push(node);
    this.#record.variables.set(key, node);
    return node;
  }

  #origin(): Origin {
    return this.#taps.at(-1) ?? this.#outermost;
  }

  /** Returns a handle that no other variable shares, because the handle must identify the variable that is read. */
  #ownHandle(variable: tf.Variable): number {
    const handle = handleOf(this.#backend, variable);
    if (!this.#variableHandles.has(handle)) return handle;
    const copy = this.#backend.createOutputTensor(aliasOf(this.#binding, handle));
    variable.assign(copy);
    copy.dispose();
    return handleOf(this.#backend, variable);
  }
}
