import { specOf, type AttributeValue } from '../../graph/graph-record.ts';
import { exportError } from '../../export-graph/export-errors.ts';
import type { ExportNode } from '../../export-graph/export-graph.ts';
import { onnxType, type OnnxGraph } from './onnx-graph.ts';

/** One TensorFlow op while it is translated to ONNX. */
export class OnnxOp {
  readonly graph: OnnxGraph;
  readonly #node: ExportNode;
  readonly #model: string;

  constructor(graph: OnnxGraph, node: ExportNode, model: string) {
    [this.graph, this.#node, this.#model] = [graph, node, model];
  }

  /** Names of its inputs. */
  get inputs(): readonly string[] {
    return this.#node.inputs;
  }

  /** The name of the input at an index. */
  input(place: number): string {
    return this.#node.inputs[place] as string;
  }

  /** Names of its outputs. */
  get outputs(): readonly string[] {
    const { name, node } = this.#node;
    return node.outputs.map((_, place) => (place === 0 ? name : `${name}:${place}`));
  }

  /** A list with the name of its first output. */
  get output(): readonly string[] {
    return this.outputs.slice(0, 1);
  }

  /** The value of an attribute, or `missing` when it is not set. */
  attribute(name: string, missing: number): number;
  attribute(name: string, missing: boolean): boolean;
  attribute(name: string, missing: string): string;
  attribute(name: string, missing: readonly number[]): readonly number[];
  attribute(name: string, missing: AttributeValue['value']): AttributeValue['value'] {
    return this.#node.attributes.get(name)?.value ?? missing;
  }

  /** The spatial values of a per-axis list, such as `[1, height, width, 1]`. */
  spatial(name: string, missing: readonly number[] = [1, 1, 1, 1]): number[] {
    return this.attribute(name, missing).slice(1, -1);
  }

  /** The recorded shape of the input at an index; axis 0 may be an open batch. */
  shape(place: number): readonly number[] {
    return specOf(this.#from(place)).shape;
  }

  /** The recorded shape of its first output. */
  get outputShape(): readonly number[] {
    return specOf({ node: this.#node.node, index: 0 }).shape;
  }

  /** The ONNX type of the input at an index. */
  type(place: number): number {
    return this.#typeOf(specOf(this.#from(place)).dtype);
  }

  /** The ONNX type of an output. */
  outputType(place = 0): number {
    return this.#typeOf(specOf({ node: this.#node.node, index: place }).dtype);
  }

  /** The ONNX type for a TensorFlow type code. */
  typeOf(dtype: number): number {
    return this.#typeOf(dtype);
  }

  /** The integers of the input at an index, which must be a constant of the graph. */
  numbers(place: number): readonly number[] {
    const found = this.numbersIfKnown(place);
    if (found === undefined) throw this.refuse('takes numbers there that the graph computes');
    return found;
  }

  /** Like {@link OnnxOp.numbers}, but undefined when the graph computes the values. */
  numbersIfKnown(place: number): readonly number[] | undefined {
    const { constant } = this.#from(place).node;
    return constant === undefined ? undefined : Array.from(constant as Int32Array, Number);
  }

  /** The input at an index as one-dimensional 64-bit integers, the form in which ONNX takes sizes. */
  longs(place: number): string {
    const known = this.numbersIfKnown(place);
    if (known !== undefined) return this.graph.longs(known);
    return this.graph.node('Cast', [this.input(place)], { to: 7 });
  }

  /** Returns the error for an op, or a use of it, without an ONNX counterpart. */
  refuse(how = ''): Error {
    return refuseOps([`${this.#node.op}${how === '' ? '' : `, which ${how}`}`], this.#model);
  }

  #from(place: number) {
    const value = this.#node.node.inputs[place];
    if (value === undefined) throw new RangeError(`${this.#node.op} has no input ${place}`);
    return value;
  }

  #typeOf(dtype: number): number {
    const type = onnxType(dtype);
    if (type === undefined) throw this.refuse(`is of TensorFlow's type ${dtype}`);
    return type;
  }
}

/** @returns the error for ops that cannot be translated to ONNX */
export const refuseOps = (ops: readonly string[], model: string): Error =>
  exportError('HKL_EXPORT_OP', `ONNX has no counterpart here of ${ops.join(', ')}`, model, {
    fix: 'Write that part of the model with other ops, or export it as graph-model or saved-model',
  });

/** Translates one TensorFlow op. */
export type OnnxWriter = (op: OnnxOp) => void;
