/** Pieces of a message that is being written; they are not joined, since the whole may be larger than one buffer may be. */
export interface Encoded {
  readonly parts: readonly Uint8Array[];
  readonly length: number;
}

/** The largest file that programs read protobuf messages from: lengths are 32-bit whole numbers with a sign. */
export const LARGEST_MESSAGE = 2 ** 31 - 1;

const VARINT = 0;
const BYTES = 2;
const FLOAT = 5;

/** Messages one after the other, as the fields of one. */
export function join(...messages: readonly Encoded[]): Encoded {
  return {
    parts: messages.flatMap(({ parts }) => parts),
    length: messages.reduce((sum, { length }) => sum + length, 0),
  };
}

const raw = (bytes: Uint8Array): Encoded => ({ parts: [bytes], length: bytes.length });

function varint(value: number | bigint): number[] {
  const bytes: number[] = [];
  // Negative numbers are written as the 64-bit ones that they are equal to.
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 128);
  } while (rest !== 0n);
  return bytes;
}

const head = (field: number, wire: number): number[] => varint((field << 3) | wire);

/** A whole number, a boolean or a value of an enumeration. */
export const int = (field: number, value: number | bigint | boolean): Encoded =>
  raw(Uint8Array.from([...head(field, VARINT), ...varint(typeof value === 'boolean' ? Number(value) : value)]));

/** A float of 32 bits. */
export function float(field: number, value: number): Encoded {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return raw(Uint8Array.from([...head(field, FLOAT), ...bytes]));
}

/** Bytes, or text in UTF-8. */
export function bytes(field: number, value: Uint8Array | string): Encoded {
  const content = typeof value === 'string' ? Buffer.from(value) : value;
  return join(raw(Uint8Array.from([...head(field, BYTES), ...varint(content.length)])), raw(content));
}

/** A message inside of another. */
export const message = (field: number, ...fields: readonly Encoded[]): Encoded => {
  const content = join(...fields);
  return join(raw(Uint8Array.from([...head(field, BYTES), ...varint(content.length)])), content);
};

/** One entry of a map of messages by name. */
export const entry = (field: number, key: string, value: Encoded): Encoded =>
  message(field, bytes(1, key), message(2, value));

/** A list of whole numbers in one field. */
export const ints = (field: number, values: readonly number[]): Encoded =>
  bytes(field, Uint8Array.from(values.flatMap((value) => varint(value))));

/** A list of floats in one field. */
export function floats(field: number, values: readonly number[]): Encoded {
  const content = Buffer.alloc(values.length * 4);
  values.forEach((value, place) => content.writeFloatLE(value, place * 4));
  return bytes(field, content);
}
