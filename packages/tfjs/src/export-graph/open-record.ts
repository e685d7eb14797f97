import { Replacements, pruneAndSort } from '../graph/graph-edit.ts';
import {
  makeConstant,
  makeNode,
  specOf,
  typeAttribute,
  valueOf,
  type AttributeValue,
  type GraphRecord,
  type RecordNode,
  type ValueRef,
} from '../graph/graph-record.ts';
import { DataType, type NativeValues } from '../device/native-backend.ts';
import { exportError, FIX_BATCH } from './export-errors.ts';

/** The sizes of a value's axes; null where a size is computed from the number of items in the batch. */
export type OpenShape = readonly (number | null)[];

/** A record with the shapes of its values for any number of items. */
export interface OpenRecord {
  readonly record: GraphRecord;
  /** The shapes of the outputs of every node. */
  readonly shapes: ReadonlyMap<RecordNode, readonly OpenShape[]>;
}

/** A record that is valid only for the batch size with which it was made. */
export const fixedRecord = (record: GraphRecord): OpenRecord => ({
  record,
  shapes: new Map(record.nodes.map((node) => [node, node.outputs.map(({ shape }) => shape)])),
});

/** One of the two recordings that are compared. */
export interface SizedRecord {
  readonly record: GraphRecord;
  /** The number of items in the batch. */
  readonly items: number;
}

/**
 * Combines two recordings of one forward pass, with different numbers of items, into a record for any number. Their
 * differences show what must be computed from the input's shape. A size in a Reshape becomes -1, other integers become
 * a times the number of items plus b, and a constant as long as the batch becomes a Fill. The first recording is
 * modified.
 *
 * The recordings must not have gone through the pass `constants`, which would merge an unrelated number with the
 * batch's.
 *
 * @param input the name of an input whose first axis is the batch
 * @throws HooklineError `HKL_EXPORT_BATCH` when anything else differs
 */
export function openBatch(first: SizedRecord, second: SizedRecord, input: string, model: string): OpenRecord {
  return new Opener(first, second, input, model).open();
}

const INT = DataType.int32;
const T_INT = ['T', typeAttribute(INT)] as const;
const number = (value: number): AttributeValue => ({ kind: 'int', value });

class Opener {
  readonly #first: SizedRecord;
  readonly #second: SizedRecord;
  readonly #input: string;
  readonly #model: string;
  readonly #shapes = new Map<RecordNode, readonly OpenShape[]>();
  #batch: RecordNode | undefined;

  constructor(first: SizedRecord, second: SizedRecord, input: string, model: string) {
    [this.#first, this.#second, this.#input, this.#model] = [first, second, input, model];
  }

  open(): OpenRecord {
    const { record } = this.#first;
    const other = this.#second.record;
    if (record.nodes.length !== other.nodes.length) {
      throw this.#refuse(`it runs ${record.nodes.length} ops on ${this.#sizes('', other.nodes.length)}`);
    }
    const nodes = [...record.nodes];
    const replaced = new Replacements();
    nodes.forEach((node, place) => {
      const twin = other.nodes[place] as RecordNode;
      this.#compare(node, twin);
      const made = node.constant === undefined ? undefined : this.#replacement(node, twin, nodes);
      if (made !== undefined) replaced.set(valueOf(node), made);
    });
    replaced.apply(record);
    return { record, shapes: this.#shapes };
  }

  #compare(node: RecordNode, twin: RecordNode): void {
    if (twin.op !== node.op) throw this.#refuse(`it runs ${node.op} with ${this.#sizes('', twin.op)}`);
    const shapes = node.outputs.map(({ shape }, output): OpenShape => {
      const others = twin.outputs[output]?.shape;
      if (others?.length !== shape.length) throw this.#refuse(`the rank of ${node.op} depends on it`);
      return shape.map((size, axis) => (size === others[axis] ? size : null));
    });
    this.#shapes.set(node, shapes);
    for (const [key, value] of node.attributes) {
      if (node.op === 'Placeholder' && key === 'shape') continue;
      if (JSON.stringify(value) !== JSON.stringify(twin.attributes.get(key)))
        throw this.#refuse(`the attribute ${key} of ${node.op} depends on it`);
    }
  }

  /**
   * Returns the replacement of a constant that depends on the number of items; undefined when it does not depend on it.
   */
  #replacement(node: RecordNode, twin: RecordNode, nodes: readonly RecordNode[]): ValueRef | undefined {
    const [a, b] = [node.constant, twin.constant] as [NativeValues, NativeValues];
    const { shape, dtype } = specOf(valueOf(node));
    const otherShape = specOf(valueOf(twin)).shape;
    if (shape.join() !== otherShape.join()) return this.#filled(node, twin);
    const places = [...a.keys()].filter((place) => !same(a[place], b[place]));
    if (places.length === 0) return undefined;
    const [place = 0] = places;
    if (dtype !== INT) throw this.#refuse(`a number in it is ${this.#sizes(String(a[place]), String(b[place]))}`);
    const [from, to] = [a, b] as [Int32Array, Int32Array];
    const users = nodes.filter((each) => each.inputs.some((input) => input.node === node));
    if (places.length === 1 && users.every((each) => each.op === 'Reshape' && each.inputs[1]?.node === node)) {
      return this.#add(
        constant(
          [...from].map((value, at) => (at === place ? -1 : value)),
          shape,
        ),
      );
    }
    if (shape.length === 0) return this.#affine(from[0] as number, to[0] as number);
    if (shape.length > 1) throw this.#refuse('a table of whole numbers depends on it');
    return this.#pack([...from].map((value, at) => this.#affine(value, to[at] as number)));
  }

  /** Replaces a constant as long as the batch with a Fill; all its elements must be equal. */
  #filled(node: RecordNode, twin: RecordNode): ValueRef {
    const [a, b] = [node.constant, twin.constant] as [NativeValues, NativeValues];
    const { shape, dtype } = specOf(valueOf(node));
    const others = specOf(valueOf(twin)).shape;
    if (dtype === DataType.string || ![...a, ...b].every((value) => same(value, a[0])))
      throw this.#refuse(`a constant of shape [${shape.join()}] has different values for each item`);
    const dims = this.#pack(shape.map((size, axis) => this.#affine(size, others[axis] as number)));
    const value = this.#add(makeConstant((a as Float32Array).slice(0, 1), { shape: [], dtype }));
    const attributes = new Map([
      ['T', typeAttribute(dtype)],
      ['index_type', typeAttribute(INT)],
    ]);
    const open = shape.map((size, axis) => (size === others[axis] ? size : null));
    return this.#add(makeNode('Fill', [dims, value], node.outputs, { attributes, origin: node.origin }), open);
  }

  /** Computes the integer that was `a` for the first batch and `b` for the second. */
  #affine(a: number, b: number): ValueRef {
    if (a === b) return this.#add(constant([a], []));
    const slope = (b - a) / (this.#second.items - this.#first.items);
    const offset = a - slope * this.#first.items;
    if (!Number.isInteger(slope)) throw this.#refuse(`a size in it is ${this.#sizes(a, b)}`);
    const items = this.#items();
    const scaled = slope === 1 ? items : this.#arithmetic('Mul', items, slope);
    return offset === 0 ? scaled : this.#arithmetic('AddV2', scaled, offset);
  }

  #arithmetic(op: 'Mul' | 'AddV2', value: ValueRef, by: number): ValueRef {
    const inputs = [value, this.#add(constant([by], []))];
    return this.#add(makeNode(op, inputs, [{ dtype: INT, shape: [] }], { attributes: new Map([T_INT]) }));
  }

  /** Computes the number of items from the shape of an input. */
  #items(): ValueRef {
    if (this.#batch !== undefined) return valueOf(this.#batch);
    const source = this.#first.record.inputs.get(this.#input);
    if (source === undefined) throw this.#refuse(`no output depends on the input "${this.#input}"`);
    const { shape, dtype } = specOf(valueOf(source));
    const shapeOf = makeNode('Shape', [valueOf(source)], [{ dtype: INT, shape: [shape.length] }], {
      attributes: new Map([
        ['T', typeAttribute(dtype)],
        ['out_type', typeAttribute(INT)],
      ]),
    });
    const ends = [0, 1, 1].map((value) => this.#add(constant([value], [1])));
    const masks = ['begin_mask', 'end_mask', 'ellipsis_mask', 'new_axis_mask'].map(
      (name) => [name, number(0)] as const,
    );
    this.#batch = makeNode('StridedSlice', [this.#add(shapeOf), ...ends], [{ dtype: INT, shape: [] }], {
      attributes: new Map([T_INT, ['Index', typeAttribute(INT)], ...masks, ['shrink_axis_mask', number(1)]]),
    });
    return this.#add(this.#batch);
  }

  #pack(values: readonly ValueRef[]): ValueRef {
    const attributes = new Map([T_INT, ['N', number(values.length)] as const, ['axis', number(0)] as const]);
    return this.#add(makeNode('Pack', values, [{ dtype: INT, shape: [values.length] }], { attributes }));
  }

  #add(node: RecordNode, shape: OpenShape = specOf(valueOf(node)).shape): ValueRef {
    this.#first.record.nodes.push(node);
    this.#shapes.set(node, [shape]);
    return valueOf(node);
  }

  #sizes(a: string | number, b: string | number): string {
    const { items } = this.#first;
    return `${a === '' ? '' : `${a} with `}${items} items and ${b} with ${this.#second.items}`;
  }

  #refuse(what: string): Error {
    return exportError('HKL_EXPORT_BATCH', `the batch cannot be open: ${what}`, this.#model, { fix: FIX_BATCH });
  }
}

const constant = (values: readonly number[], shape: readonly number[]): RecordNode =>
  makeConstant(Int32Array.from(values), { dtype: INT, shape });

const same = (a: unknown, b: unknown): boolean =>
  Object.is(a, b) || (a instanceof Uint8Array && b instanceof Uint8Array && Buffer.compare(a, b) === 0);

/** Replaces a record's reads of variables with constants, named after the variables. */
export function freezeVariables(
  { record, shapes }: OpenRecord,
  valuesOf: (key: string) => NativeValues,
): { readonly open: OpenRecord; readonly weights: ReadonlyMap<RecordNode, string> } {
  const weights = new Map<RecordNode, string>();
  const replaced = new Replacements();
  const all = new Map(shapes);
  for (const [key, read] of record.reads) {
    const spec = specOf(valueOf(read));
    const node = makeConstant(valuesOf(key), spec);
    weights.set(node, key);
    all.set(node, [spec.shape]);
    record.nodes.push(node);
    replaced.set(valueOf(read), valueOf(node));
  }
  replaced.apply(record);
  pruneAndSort(record);
  return { open: { record, shapes: all }, weights };
}

/** Replaces large tensors that existed before the recording with constants. */
export function freezeOutside({ record, shapes }: OpenRecord): OpenRecord {
  const all = new Map(shapes);
  const replaced = new Replacements();
  for (const [name, node] of [...record.inputs]) {
    if (node.outside === undefined) continue;
    const spec = specOf(valueOf(node));
    const made = makeConstant(node.outside.values().slice(), spec, node.origin);
    all.set(made, [spec.shape]);
    record.nodes.push(made);
    record.inputs.delete(name);
    replaced.set(valueOf(node), valueOf(made));
  }
  replaced.apply(record);
  return { record, shapes: all };
}
