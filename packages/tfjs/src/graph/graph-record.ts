import type { NativeValues } from '../device/native-backend.ts';

/** Shape and element type of a value in the graph. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: number;
}

/** An attribute of an op, in the kinds that a GraphDef knows. */
export type AttributeValue =
  | { readonly kind: 'type' | 'int' | 'float'; readonly value: number }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'shape' | 'ints' | 'floats' | 'types'; readonly value: readonly number[] };

/** Where an op comes from: the innermost tap that was running, if any. */
export interface Origin {
  readonly plugin?: string;
  readonly hook?: string;
  /** For an op outside of any tap: what is being recorded, where that is no train step. */
  readonly who?: string;
}

/** One output of a node. */
export interface ValueRef {
  readonly node: RecordNode;
  readonly index: number;
}

/** A variable of the graph: the name of the tfjs variable, and what it holds. */
export interface VariableSpec extends TensorSpec {
  readonly key: string;
}

/** A tensor that was there before the step began, and that is not declared as an input. */
export interface OutsideTensor {
  /** The handle by which the step used it. A tensor never changes, so an equal handle is an equal tensor. */
  readonly source: number;
  /** Its data id in tfjs, which tells whether it has been disposed of since. */
  readonly dataId: object | undefined;
  /** A handle of the record's own, by which the tensor is fed; undefined where the graph holds the values. */
  readonly handle: number | undefined;
  /** Reads the values, in order to compare recordings. */
  values(): NativeValues;
}

/** One op of the record. Passes replace fields of nodes. */
export interface RecordNode {
  op: string;
  inputs: ValueRef[];
  /** Control inputs: nodes that must have run before this one, besides those whose values it takes. */
  controls: RecordNode[];
  attributes: Map<string, AttributeValue>;
  outputs: TensorSpec[];
  /** For a node that changes variables: the boolean that must be true for it to run. */
  condition?: ValueRef;
  readonly origin: Origin;
  /** The values of a `Const`. */
  readonly constant?: NativeValues;
  /** For a `Const` or a `Placeholder` that was a tensor before the step began. */
  readonly outside?: OutsideTensor;
  /** The variable that a `VarHandleOp` stands for. */
  readonly variable?: VariableSpec;
  /** The name under which a `Placeholder` is fed. */
  readonly input?: string;
}

/** A recorded step: a graph of ops with its inputs, what it changes and what it returns. */
export interface GraphRecord {
  nodes: RecordNode[];
  /** The placeholders, which are fed at every run, by name. */
  readonly inputs: Map<string, RecordNode>;
  /** The handles of the variables it reads or writes, by key. */
  readonly variables: Map<string, RecordNode>;
  /** The one read of each variable that it reads, by key. */
  readonly reads: Map<string, RecordNode>;
  /** The nodes that change variables. They run although no node takes a value from them. */
  effects: RecordNode[];
  /** The results of a run, by name. */
  readonly outputs: Map<string, ValueRef>;
  /** The value that must be finite for the effects to happen. */
  guard?: ValueRef;
}

export const emptyRecord = (): GraphRecord => ({
  nodes: [],
  inputs: new Map(),
  variables: new Map(),
  reads: new Map(),
  effects: [],
  outputs: new Map(),
});

/** Makes a node. The caller adds it to a record. */
export function makeNode(
  op: string,
  inputs: readonly ValueRef[],
  outputs: readonly TensorSpec[],
  fields: Partial<Omit<RecordNode, 'op' | 'inputs' | 'outputs'>> = {},
): RecordNode {
  return {
    attributes: new Map(),
    controls: [],
    origin: {},
    ...fields,
    op,
    inputs: [...inputs],
    outputs: [...outputs],
  };
}

/** The node's output at `index`. */
export const valueOf = (node: RecordNode, index = 0): ValueRef => ({ node, index });

export const sameValue = (a: ValueRef, b: ValueRef): boolean => a.node === b.node && a.index === b.index;

/** Shape and type of a value. */
export function specOf({ node, index }: ValueRef): TensorSpec {
  const spec = node.outputs[index];
  if (spec === undefined) throw new RangeError(`${node.op} has no output ${index}`);
  return spec;
}

/** The variable that a `VarHandleOp` stands for. */
export function variableOf({ op, variable }: RecordNode): VariableSpec {
  if (variable === undefined) throw new TypeError(`${op} stands for no variable`);
  return variable;
}

export const typeAttribute = (value: number): AttributeValue => ({ kind: 'type', value });
export const boolAttribute = (value: boolean): AttributeValue => ({ kind: 'bool', value });
export const stringAttribute = (value: string): AttributeValue => ({ kind: 'string', value });

/** The attributes of a `Placeholder`. */
export const placeholderAttributes = ({ shape, dtype }: TensorSpec) =>
  new Map<string, AttributeValue>([
    ['dtype', typeAttribute(dtype)],
    ['shape', { kind: 'shape', value: [...shape] }],
  ]);

/** A constant node of the given values. */
export function makeConstant(
  values: NativeValues,
  spec: TensorSpec,
  origin: Origin = {},
  outside?: OutsideTensor,
): RecordNode {
  return makeNode('Const', [], [spec], {
    constant: values,
    origin,
    ...(outside === undefined ? {} : { outside }),
    attributes: new Map([['dtype', typeAttribute(spec.dtype)]]),
  });
}

/** The number of elements of a shape. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** Copies a record with its nodes, so that passes may change the copy. */
export function copyRecord(record: GraphRecord): GraphRecord {
  const copies = new Map<RecordNode, RecordNode>();
  for (const node of record.nodes) {
    copies.set(node, {
      ...node,
      inputs: [],
      controls: [],
      attributes: new Map(node.attributes),
      outputs: [...node.outputs],
    });
  }
  const copyOf = (node: RecordNode): RecordNode => {
    const copy = copies.get(node);
    if (copy === undefined) throw new Error(`${node.op} is needed but not in the record`);
    return copy;
  };
  const copyValue = ({ node, index }: ValueRef): ValueRef => ({ node: copyOf(node), index });
  for (const [node, copy] of copies) {
    copy.inputs = node.inputs.map(copyValue);
    copy.controls = node.controls.map(copyOf);
    if (node.condition !== undefined) copy.condition = copyValue(node.condition);
  }
  const copyAll = (nodes: Map<string, RecordNode>) => new Map([...nodes].map(([key, node]) => [key, copyOf(node)]));
  return {
    nodes: record.nodes.map(copyOf),
    inputs: copyAll(record.inputs),
    variables: copyAll(record.variables),
    reads: copyAll(record.reads),
    effects: record.effects.map(copyOf),
    outputs: new Map([...record.outputs].map(([name, value]) => [name, copyValue(value)])),
    ...(record.guard === undefined ? {} : { guard: copyValue(record.guard) }),
  };
}
