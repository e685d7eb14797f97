import { bytesOf } from '../../graph/graph-def.ts';
import { DataType, type NativeValues } from '../../device/native-backend.ts';
import type { OpenShape } from '../../export-graph/open-record.ts';
import { bytes, float, int, join, message, type Encoded } from '../protobuf.ts';

/** ONNX's numeric codes of element types. */
export const OnnxType = Object.freeze({ float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9 });

/** ONNX's code for one of TensorFlow's element types; undefined for a type that is not written. */
export const onnxType = (dtype: number): number | undefined =>
  ({
    [DataType.float32]: OnnxType.float32,
    [DataType.uint8]: OnnxType.uint8,
    [DataType.int32]: OnnxType.int32,
    [DataType.int64]: OnnxType.int64,
    [DataType.bool]: OnnxType.bool,
  })[dtype];

/** An attribute of an op: an integer, a string, a list of integers, or a float. */
export type OnnxAttribute = number | string | readonly number[] | { readonly float: number };

/** The format's numeric codes of attribute types. */
const [FLOAT, INT, STRING, INTS] = [1, 2, 3, 7];

/** The size in bytes from which a constant goes into a separate file, when there is one. */
const SMALL = 1024;

/** The nodes and the constants of an ONNX graph, in the order in which they are added. */
export class OnnxGraph {
  readonly nodes: Encoded[] = [];
  readonly #constants: { name: string; type: number; shape: readonly number[]; content: Uint8Array }[] = [];
  readonly #used = new Set<string>();
  #count = 0;

  /** Adds an op. @returns the name of its first output */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    outputs: readonly string[] = [this.fresh(op)],
  ): string {
    const [first = ''] = outputs;
    for (const input of inputs) this.#used.add(input);
    this.nodes.push(
      join(
        ...inputs.map((input) => bytes(1, input)),
        ...outputs.map((output) => bytes(2, output)),
        bytes(3, first),
        bytes(4, op),
        ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
      ),
    );
    return first;
  }

  /** Returns a name that no other value has. */
  fresh(hint: string): string {
    return `${hint}__${this.#count++}`;
  }

  /** Adds a constant of TensorFlow's under a name. */
  constant(name: string, values: NativeValues, shape: readonly number[], type: number): string {
    this.#constants.push({ name, type, shape, content: bytesOf(values) });
    return name;
  }

  /** Adds 64-bit integers, which ONNX uses for sizes and positions: a list, or a scalar. */
  longs(values: readonly number[], shape: readonly number[] = [values.length]): string {
    const content = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    const name = this.fresh('sizes');
    this.#constants.push({ name, type: OnnxType.int64, shape, content });
    return name;
  }

  /** Adds a scalar float. */
  float(value: number): string {
    return this.constant(this.fresh('number'), Float32Array.of(value), [], OnnxType.float32);
  }

  /** The size of all constants in bytes. */
  get constantBytes(): number {
    return this.#constants.reduce((sum, { content }) => sum + content.length, 0);
  }

  /**
   * Encodes the constants that a node uses. Constants for sizes and axes may have become attributes and are then left
   * out.
   *
   * @param file the name of a file beside the model for large constants; undefined keeps all of them in the model
   * @returns the messages, and the contents of the file
   */
  constants(file?: string): { readonly messages: readonly Encoded[]; readonly external: readonly Uint8Array[] } {
    const external: Uint8Array[] = [];
    let offset = 0;
    const taken = this.#constants.filter(({ name }) => this.#used.has(name));
    const messages = taken.map(({ name, type, shape, content }) => {
      const head = join(...shape.map((size) => int(1, size)), int(2, type), bytes(8, name));
      if (file === undefined || content.length < SMALL) return join(head, bytes(9, content));
      const place = { location: file, offset: String(offset), length: String(content.length) };
      external.push(content);
      offset += content.length;
      return join(
        head,
        ...Object.entries(place).map(([key, value]) => message(13, bytes(1, key), bytes(2, value))),
        int(14, 1),
      );
    });
    return { messages, external };
  }
}

/** An input or an output of the graph. */
export function valueInfo(name: string, type: number, shape: OpenShape): Encoded {
  const dims = shape.map((size) => message(1, size === null ? bytes(2, 'batch') : int(1, size)));
  return join(bytes(1, name), message(2, message(1, int(1, type), message(2, ...dims))));
}

function attribute(name: string, value: OnnxAttribute): Encoded {
  const content =
    typeof value === 'number'
      ? [int(3, value), int(20, INT)]
      : typeof value === 'string'
        ? [bytes(4, value), int(20, STRING)]
        : 'float' in value
          ? [float(2, value.float), int(20, FLOAT)]
          : [...value.map((each) => int(8, each)), int(20, INTS)];
  return message(5, bytes(1, name), ...content);
}
