/** Writes the fields of one protocol buffer message, in the order of the calls. */
export class MessageWriter {
  readonly #parts: Uint8Array[] = [];

  /** A `double` or `fixed64` field. */
  double(field: number, value: number): this {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    return this.#put(field, 1, bytes);
  }

  float(field: number, value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatLE(value);
    return this.#put(field, 5, bytes);
  }

  /** An `int32`, `int64` or enum field; safe integers only. */
  int(field: number, value: number): this {
    return this.#put(field, 0, varint(value));
  }

  string(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value, 'utf8'));
  }

  bytes(field: number, value: Uint8Array): this {
    this.#put(field, 2, varint(value.length));
    this.#parts.push(value);
    return this;
  }

  message(field: number, value: MessageWriter): this {
    return this.bytes(field, value.finish());
  }

  /** A packed `repeated double` field. */
  doubles(field: number, values: ArrayLike<number>): this {
    const bytes = Buffer.alloc(values.length * 8);
    for (let i = 0; i < values.length; i++) bytes.writeDoubleLE(values[i] ?? 0, i * 8);
    return this.bytes(field, bytes);
  }

  finish(): Uint8Array {
    return Buffer.concat(this.#parts);
  }

  #put(field: number, wireType: number, bytes: Uint8Array): this {
    this.#parts.push(varint(field * 8 + wireType), bytes);
    return this;
  }
}

/** Seven bits per byte, low ones first; negative numbers as 64-bit two's complement. */
function varint(value: number): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
