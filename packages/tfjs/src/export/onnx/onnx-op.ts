import { specOf, type AttributeValue } from '../../graph/graph-record.ts';
import { exportError } from '../export-errors.ts';
import type { ExportNode } from '../export-graph.ts';
import { onnxType, type OnnxGraph } from './onnx-graph.ts';

/** One op of TensorFlow's while it is written in ONNX's. */
export class OnnxOp {
  readonly graph: OnnxGraph;
  readonly #node: ExportNode;
  readonly #model: string;

  constructor(graph: OnnxGraph, node: ExportNode, model: string) {
    [this.graph, this.#node, this.#model] = [graph, node, model];
  }

  /** Names of what it takes. */
  get inputs(): readonly string[] {
    return this.#node.inputs;
  }

  /** The name of what it takes at a place. */
  input(place: number): string {
    return this.#node.inputs[place] as string;
  }

  /** Names of its outputs. */
  get outputs(): readonly string[] {
    const { name, node } = this.#node;
    return node.outputs.map((_, place) => (place === 0 ? name : `${name}:${place}`));
  }

  /** The name of its first output, as a list. */
  get output(): readonly string[] {
    return this.outputs.slice(0, 1);
  }

  /** The attribute of that name, or `missing` where it is not stated. */
  attribute(name: string, missing: number): number;
  attribute(name: string, missing: boolean): boolean;
  attribute(name: string, missing: string): string;
  attribute(name: string, missing: readonly number[]): readonly number[];
  attribute(name: string, missing: AttributeValue['value']): AttributeValue['value'] {
    return this.#node.attributes.get(name)?.value ?? missing;
  }

  /** The two middle numbers of a list by axis, `[1, height, width, 1]`. */
  spatial(name: string, missing: readonly number[] = [1, 1, 1, 1]): number[] {
    return this.attribute(name, missing).slice(1, -1);
  }

  /** Sizes of what it takes at a place, as they were recorded; axis 0 may be an open batch. */
  shape(place: number): readonly number[] {
    return specOf(this.#from(place)).shape;
  }

  /** Sizes of its first output, as they were recorded. */
  get outputShape(): readonly number[] {
    return specOf({ node: this.#node.node, index: 0 }).shape;
  }

  /** ONNX's type of what it takes at a place. */
  type(place: number): number {
    return this.#typeOf(specOf(this.#from(place)).dtype);
  }

  /** ONNX's type of one of its outputs. */
  outputType(place = 0): number {
    return this.#typeOf(specOf({ node: this.#node.node, index: place }).dtype);
  }

  /** ONNX's type of one of TensorFlow's numbers. */
  typeOf(dtype: number): number {
    return this.#typeOf(dtype);
  }

  /** The whole numbers that it takes at a place, where they stand in the graph. */
  numbers(place: number): readonly number[] {
    const found = this.numbersIfKnown(place);
    if (found === undefined) throw this.refuse('takes numbers there that the graph computes');
    return found;
  }

  /** The same, undefined where the graph computes them. */
  numbersIfKnown(place: number): readonly number[] | undefined {
    const { constant } = this.#from(place).node;
    return constant === undefined ? undefined : Array.from(constant as Int32Array, Number);
  }

  /** What it takes at a place as whole numbers of 64 bits, for ops whose sizes ONNX takes so: one-dimensional. */
  longs(place: number): string {
    const known = this.numbersIfKnown(place);
    if (known !== undefined) return this.graph.longs(known);
    return this.graph.node('Cast', [this.input(place)], { to: 7 });
  }

  /** The error for an op, or a use of it, that ONNX has no counterpart of. */
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

/** @returns the error for ops that are not written in ONNX's */
export const refuseOps = (ops: readonly string[], model: string): Error =>
  exportError('HKL_EXPORT_OP', `ONNX has no counterpart here of ${ops.join(', ')}`, model, {
    fix: 'Write that part of the model with other ops, or export it as graph-model or saved-model',
  });

/** Writes one op of TensorFlow's. */
export type OnnxWriter = (op: OnnxOp) => void;
