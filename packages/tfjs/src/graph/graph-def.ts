import { graphMessages, type AttributeMessage, type GraphMessage, type NodeMessage } from './graph-messages.ts';
import { captureError } from './capture-errors.ts';
import {
  specOf,
  valueOf,
  type AttributeValue,
  type GraphRecord,
  type RecordNode,
  type TensorSpec,
  type VariableSpec,
} from './graph-record.ts';
import { DataType, type NativeValues } from '../device/native-backend.ts';

/** The version that TensorFlow 2.9 writes, the oldest one that tfjs-node ships with; newer ones read it. */
const GRAPH_VERSION = 1087;

/** A record under the name that its nodes carry in the graph. */
export interface NamedRecord {
  readonly name: string;
  readonly record: GraphRecord;
}

/** The names by which one variable is written and read. */
export interface VariableNames {
  readonly feed: string;
  readonly written: string;
  readonly value: string;
}

/** The names by which one record is fed and fetched. */
export interface RecordNames {
  readonly inputs: ReadonlyMap<string, string>;
  readonly outputs: ReadonlyMap<string, string>;
}

/** A written graph with the names of its ends. */
export interface WrittenGraph {
  readonly graph: GraphMessage;
  readonly variables: ReadonlyMap<string, VariableNames>;
  readonly records: ReadonlyMap<string, RecordNames>;
  readonly nodeCount: number;
}

/** Writes records that share variables as one graph. The variables can be fed and fetched one by one. */
export function writeGraph(variables: Iterable<VariableSpec>, records: Iterable<NamedRecord>): WrittenGraph {
  const writer = new GraphWriter();
  for (const variable of variables) writer.variable(variable);
  for (const each of records) writer.record(each);
  return writer.finish();
}

class GraphWriter {
  readonly #messages = graphMessages();
  readonly #nodes: NodeMessage[] = [];
  readonly #handles = new Map<string, string>();
  readonly #variables = new Map<string, VariableNames>();
  readonly #records = new Map<string, RecordNames>();

  variable(spec: VariableSpec): void {
    const name = `variables/${this.#handles.size}_${plain(spec.key)}`;
    const dtype: AttributeValue = { kind: 'type', value: spec.dtype };
    const shape: AttributeValue = { kind: 'shape', value: spec.shape };
    this.#handles.set(spec.key, name);
    this.#node('VarHandleOp', name, [], { dtype, shape, shared_name: { kind: 'string', value: name } });
    this.#node('Placeholder', `${name}/feed`, [], { dtype, shape });
    // The update works in place; without a copy it would write into the memory of whoever made the fed tensor.
    this.#node('DeepCopy', `${name}/copy`, [`${name}/feed`], { T: dtype });
    this.#node('AssignVariableOp', `${name}/write`, [name, `${name}/copy`], { dtype });
    this.#constant(`${name}/written`, Float32Array.of(1), { shape: [], dtype: DataType.float32 }, [`^${name}/write`]);
    this.#node('ReadVariableOp', `${name}/value`, [name], { dtype });
    this.#variables.set(spec.key, {
      feed: `${name}/feed:0`,
      written: `${name}/written:0`,
      value: `${name}/value:0`,
    });
  }

  record({ name, record }: NamedRecord): void {
    const names = new Map<RecordNode, string>();
    record.nodes.forEach((node, position) => {
      const handle = node.variable === undefined ? undefined : this.#handles.get(node.variable.key);
      const scope =
        node.origin.hook === undefined ? '' : `${plain(node.origin.hook)}/${plain(node.origin.plugin ?? '')}/`;
      names.set(node, handle ?? `${name}/${scope}${node.op}_${position}`);
    });
    const nameOf = (node: RecordNode): string => {
      const found = names.get(node);
      if (found === undefined) throw new Error(`${node.op} is needed but not in the record`);
      return found;
    };
    for (const node of record.nodes) {
      if (node.variable !== undefined) continue;
      const inputs = [
        ...node.inputs.map((input) => `${nameOf(input.node)}:${input.index}`),
        ...node.controls.map((control) => `^${nameOf(control)}`),
      ];
      if (node.constant === undefined) this.#node(node.op, nameOf(node), inputs, Object.fromEntries(node.attributes));
      else this.#constant(nameOf(node), node.constant, specOf(valueOf(node)), inputs);
    }
    const after = record.effects.map((effect) => `^${nameOf(effect)}`);
    const outputs = new Map<string, string>();
    for (const [output, { node, index }] of record.outputs) {
      const end = `${name}/returns/${plain(output)}_${outputs.size}`;
      const T: AttributeValue = { kind: 'type', value: specOf({ node, index }).dtype };
      this.#node('Identity', end, [`${nameOf(node)}:${index}`, ...after], { T });
      outputs.set(output, `${end}:0`);
    }
    const inputs = new Map([...record.inputs].map(([input, node]) => [input, `${nameOf(node)}:0`]));
    this.#records.set(name, { inputs, outputs });
  }

  finish(): WrittenGraph {
    const { GraphDef, VersionDef } = this.#messages;
    const graph = new GraphDef();
    graph.setNodeList(this.#nodes);
    const versions = new VersionDef();
    versions.setProducer(GRAPH_VERSION);
    graph.setVersions(versions);
    return { graph, variables: this.#variables, records: this.#records, nodeCount: this.#nodes.length };
  }

  #node(
    op: string,
    name: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>>,
  ): NodeMessage {
    const node = new this.#messages.NodeDef();
    node.setOp(op);
    node.setName(name);
    node.setInputList(inputs);
    for (const [key, value] of Object.entries(attributes)) node.getAttrMap().set(key, this.#attribute(value));
    this.#nodes.push(node);
    return node;
  }

  #constant(name: string, values: NativeValues, spec: TensorSpec, inputs: readonly string[]): void {
    const tensor = new this.#messages.Tensor();
    tensor.setDtype(spec.dtype);
    tensor.setTensorShape(this.#shape(spec.shape));
    if (spec.dtype === DataType.string) tensor.setStringValList([...(values as Uint8Array[])]);
    else tensor.setTensorContent(bytesOf(values));
    const value = new this.#messages.AttrValue();
    value.setTensor(tensor);
    this.#node('Const', name, inputs, { dtype: { kind: 'type', value: spec.dtype } })
      .getAttrMap()
      .set('value', value);
  }

  #shape(sizes: readonly number[]) {
    const { TensorShape } = this.#messages;
    const shape = new TensorShape();
    shape.setDimList(
      sizes.map((size) => {
        const dimension = new TensorShape.Dim();
        dimension.setSize(size);
        return dimension;
      }),
    );
    return shape;
  }

  #attribute(attribute: AttributeValue): AttributeMessage {
    const { AttrValue } = this.#messages;
    const message = new AttrValue();
    const list = new AttrValue.ListValue();
    switch (attribute.kind) {
      case 'type':
        message.setType(attribute.value);
        return message;
      case 'int':
        message.setI(attribute.value);
        return message;
      case 'float':
        message.setF(attribute.value);
        return message;
      case 'bool':
        message.setB(attribute.value);
        return message;
      case 'string':
        message.setS(Buffer.from(attribute.value));
        return message;
      case 'shape':
        message.setShape(this.#shape(attribute.value));
        return message;
      case 'ints':
        list.setIList(attribute.value);
        break;
      case 'floats':
        list.setFList(attribute.value);
        break;
      case 'types':
        list.setTypeList(attribute.value);
        break;
    }
    message.setList(list);
    return message;
  }
}

/** The bytes of a typed array. */
export function bytesOf(values: NativeValues): Uint8Array {
  if (ArrayBuffer.isView(values)) return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  throw captureError('HKL_CAPTURE_UNSUPPORTED_OP', 'strings cannot be constants of this kind', {}, {});
}

/** A name with the characters that a graph allows. */
const plain = (name: string): string => name.replace(/[^A-Za-z0-9_./-]/g, '_').replace(/^[^A-Za-z0-9.]+/, '');
