/** A checkpoint with an invalid header, as an attacker or a broken program might write it. */
export interface CraftedFile {
  readonly what: string;
  readonly bytes: Uint8Array;
}

const LENGTH_BYTES = 8;

type Entry = { dtype: string; shape: number[]; data_offsets: [number, number] };
type Header = Record<string, unknown>;

/** Yields variants of a valid checkpoint with impossible headers. */
export function* craftedHeaders(whole: Buffer): Generator<CraftedFile> {
  const length = Number(whole.readBigUInt64LE(0));
  const text = whole.toString('utf8', LENGTH_BYTES, LENGTH_BYTES + length);
  const data = whole.subarray(LENGTH_BYTES + length);

  for (const claimed of [
    0n,
    1n,
    2n,
    BigInt(length) - 1n,
    BigInt(length) + 1n,
    100_000_001n,
    2n ** 53n,
    2n ** 63n,
    2n ** 64n - 1n,
  ]) {
    const bytes = Buffer.from(whole);
    bytes.writeBigUInt64LE(claimed, 0);
    yield { what: `its header claims ${claimed} bytes`, bytes };
  }
  for (const [what, header] of [
    ['its header is an array', '[]'],
    ['its header is null', 'null'],
    ['its header is empty', ''],
    ['its header is not JSON', text.trimEnd().slice(0, -1)],
    ['its header nests 100,000 objects', '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000)],
    ['its header is followed by another one', `${text}${text}`],
    ['a key stands twice', text.replace('{', '{"__metadata__":{"hookline":"{}"},')],
  ] as const) {
    yield { what, bytes: assemble(header, data) };
  }

  const changes: readonly (readonly [string, (header: Header, entry: Entry, name: string) => void])[] = [
    ['without metadata', (header) => void delete header['__metadata__']],
    ['with metadata that is a list', (header) => void (header['__metadata__'] = [])],
    ['with an empty manifest', (header) => void (header['__metadata__'] = { hookline: '{}' })],
    ['with a manifest that is a number', (header) => void (header['__metadata__'] = { hookline: 5 })],
    ['without a tensor', (header, _, name) => void Reflect.deleteProperty(header, name)],
    [
      'with a renamed tensor',
      (header, entry, name) => (Reflect.deleteProperty(header, name), void (header['renamed'] = entry)),
    ],
    [
      'with a tensor called __proto__',
      (header, entry) => void Object.defineProperty(header, '__proto__', { value: entry, enumerable: true }),
    ],
    ['with an unknown dtype', (_, entry) => void (entry.dtype = 'F7')],
    ['with a dtype that is a number', (_, entry) => void Object.assign(entry, { dtype: 32 })],
    ['with another dtype of the same size', (_, entry) => void (entry.dtype = entry.dtype === 'I32' ? 'F32' : 'I32')],
    ['with a negative dimension', (_, entry) => void (entry.shape = [-1])],
    ['with a fractional dimension', (_, entry) => void (entry.shape = [1.5])],
    ['with a huge dimension', (_, entry) => void (entry.shape = [2 ** 52, 2 ** 52])],
    ['with a shape that is a string', (_, entry) => void Object.assign(entry, { shape: '8' })],
    ['with one dimension more', (_, entry) => void entry.shape.push(1)],
    ['with an offset before the data', (_, entry) => void (entry.data_offsets[0] = -4)],
    ['with an offset behind the data', (_, entry) => void (entry.data_offsets[1] = data.length + 4)],
    ['with offsets in the wrong order', (_, entry) => void entry.data_offsets.reverse()],
    ['with overlapping tensors', (_, entry) => void (entry.data_offsets = [0, 4])],
    ['with no offsets', (_, entry) => void Object.assign(entry, { data_offsets: [] })],
    ['with offsets beyond what numbers hold', (_, entry) => void (entry.data_offsets = [0, 2 ** 60])],
  ];
  for (const [what, change] of changes) {
    const header = JSON.parse(text) as Header;
    const name =
      Object.keys(header)
        .filter((key) => key !== '__metadata__')
        .at(-1) ?? '';
    change(header, header[name] as Entry, name);
    yield { what: `a header ${what}`, bytes: assemble(JSON.stringify(header), data) };
  }
}

function assemble(header: string, data: Uint8Array): Uint8Array {
  const text = Buffer.from(header);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeBigUInt64LE(BigInt(text.length), 0);
  return Buffer.concat([length, text, data]);
}
