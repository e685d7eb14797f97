/** Pieces of a message to write. They are not joined, because the whole may exceed the size limit of a buffer. */
export interface Encoded {
  readonly parts: readonly Uint8Array[];
  readonly length: number;
}

/** The largest file that programs can read as a protobuf message: lengths are signed 32-bit integers. */
export const LARGEST_MESSAGE = 2 ** 31 - 1;

const VARINT = 0;
const BYTES = 2;
const FLOAT = 5;

/** Concatenates messages into the fields of one. */
export function join(...messages: readonly Encoded[]): Encoded {
  return {
    parts: messages.flatMap(({ parts }) => parts),
    length: messages.reduce((sum, { length }) => sum + length, 0),
  };
}

const raw = (bytes: Uint8Array): Encoded => ({ parts: [bytes], length: bytes.length });

function varint(value: number | bigint): number[] {
  const bytes: number[] = [];
  // Negative numbers are encoded as 64-bit two's complement.
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 128);
  } while (rest !== 0n);
  return bytes;
}

const head = (field: number, wire: number): number[] => varint((field << 3) | wire);

/** An integer, a boolean or an enum value. */
export const int = (field: number, value: number | bigint | boolean): Encoded =>
  raw(Uint8Array.from([...head(field, VARINT), ...varint(typeof value === 'boolean' ? Number(value) : value)]));

/** A 32-bit float. */
export function float(field: number, value: number): Encoded {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return raw(Uint8Array.from([...head(field, FLOAT), ...bytes]));
}

/** Bytes, or a string in UTF-8. */
export function bytes(field: number, value: Uint8Array | string): Encoded {
  const content = typeof value === 'string' ? Buffer.from(value) : value;
  return join(raw(Uint8Array.from([...head(field, BYTES), ...varint(content.length)])), raw(content));
}

/** A nested message. */
export const message = (field: number, ...fields: readonly Encoded[]): Encoded => {
  const content = join(...fields);
  return join(raw(Uint8Array.from([...head(field, BYTES), ...varint(content.length)])), content);
};

/** One entry of a map from names to messages. */
export const entry = (field: number, key: string, value: Encoded): Encoded =>
  message(field, bytes(1, key), message(2, value));

/** A packed list of integers. */
export const ints = (field: number, values: readonly number[]): Encoded =>
  bytes(field, Uint8Array.from(values.flatMap((value) => varint(value))));

/** A packed list of floats. */
export function floats(field: number, values: readonly number[]): Encoded {
  const content = Buffer.alloc(values.length * 4);
  values.forEach((value, place) => content.writeFloatLE(value, place * 4));
  return bytes(field, content);
}
