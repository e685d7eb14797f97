import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostTensor } from './host-tensor.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';

const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;

/** A file from its parts, as the format says: length, header, data. */
function file(header: string, data: readonly number[] = [], length = Buffer.byteLength(header)): Uint8Array {
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(length));
  return Buffer.concat([prefix, Buffer.from(header), Buffer.from(data)]);
}

const ALL: ReadonlyMap<string, HostTensor> = new Map<string, HostTensor>([
  ['bool', { dtype: 'bool', shape: [3], data: Uint8Array.of(1, 0, 1) }],
  ['u8', { dtype: 'uint8', shape: [2], data: Uint8Array.of(0, 255) }],
  ['i8', { dtype: 'int8', shape: [2], data: Int8Array.of(-128, 127) }],
  ['i16', { dtype: 'int16', shape: [1], data: Int16Array.of(-32768) }],
  ['u16', { dtype: 'uint16', shape: [1], data: Uint16Array.of(65535) }],
  ['f16', { dtype: 'float16', shape: [2], data: Uint16Array.of(0x3c00, 0xc000) }],
  ['bf16', { dtype: 'bfloat16', shape: [1], data: Uint16Array.of(0x3f80) }],
  ['f32', { dtype: 'float32', shape: [2, 2], data: Float32Array.of(0.1, -0, NaN, Infinity) }],
  ['i32', { dtype: 'int32', shape: [1], data: Int32Array.of(-(2 ** 31)) }],
  ['u32', { dtype: 'uint32', shape: [1], data: Uint32Array.of(2 ** 32 - 1) }],
  ['f64', { dtype: 'float64', shape: [], data: Float64Array.of(Math.PI) }],
  ['i64', { dtype: 'int64', shape: [1], data: BigInt64Array.of(-(2n ** 63n)) }],
  ['u64', { dtype: 'uint64', shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) }],
  ['empty', { dtype: 'float32', shape: [0, 5], data: new Float32Array(0) }],
  ['10', { dtype: 'float32', shape: [1], data: Float32Array.of(10) }],
  ['constructor', { dtype: 'float32', shape: [1], data: Float32Array.of(11) }],
]);

describe('encodeSafetensors and decodeSafetensors', () => {
  it('give back every dtype, shape and bit, and the metadata', () => {
    const metadata = new Map([['note', 'with "quotes" and ü']]);
    const back = decodeSafetensors(encodeSafetensors(ALL, metadata));
    expect(back.metadata).toEqual(metadata);
    expect(new Map([...back.tensors].sort())).toEqual(new Map([...ALL].sort()));
    expect(Object.is(back.tensors.get('f32')?.data[1], -0)).toBe(true);
  });

  it('begin the data at a multiple of 8, and every tensor at one of its element size', () => {
    const bytes = encodeSafetensors(ALL);
    const length = Number(Buffer.from(bytes).readBigUInt64LE());
    expect(length % 8).toBe(0);
    const header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString()) as Record<
      string,
      { data_offsets: [number, number] }
    >;
    for (const [name, tensor] of ALL) {
      expect(header[name]!.data_offsets[0] % tensor.data.BYTES_PER_ELEMENT).toBe(0);
    }
  });

  it('take views, and raw bytes of any dtype', () => {
    const view = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
    const raw = new Uint8Array(Float32Array.of(3, 4).buffer);
    const { tensors } = decodeSafetensors(
      encodeSafetensors(
        new Map([
          ['view', { dtype: 'float32', shape: [2], data: view }],
          ['raw', { dtype: 'float32', shape: [2], data: raw }],
        ]),
      ),
    );
    expect(tensors.get('view')?.data).toEqual(Float32Array.of(1, 2));
    expect(tensors.get('raw')?.data).toEqual(Float32Array.of(3, 4));
  });

  it('read a file made by hand, with padding, unaligned data and tensors in any order', () => {
    const header =
      '{"b":{"dtype":"F32","shape":[2],"data_offsets":[1,9]},"__metadata__":{"k":"v"},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}  ';
    const { tensors, metadata } = decodeSafetensors(file(header, [7, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]));
    expect([...tensors]).toEqual([
      ['a', { dtype: 'uint8', shape: [1], data: Uint8Array.of(7) }],
      ['b', { dtype: 'float32', shape: [2], data: Float32Array.of(1, -2) }],
    ]);
    expect([...metadata]).toEqual([['k', 'v']]);
    expect(decodeSafetensors(file('{}')).tensors.size).toBe(0);
  });

  it.each([
    ['a shape and data that disagree', { dtype: 'float32', shape: [3], data: new Float32Array(2) }],
    ['data of another kind', { dtype: 'int32', shape: [2], data: new Float32Array(2) }],
    ['a plain array', { dtype: 'float32', shape: [2], data: [1, 2] }],
    ['an unknown dtype', { dtype: 'complex64', shape: [1], data: new Float32Array(2) }],
    ['an inherited dtype', { dtype: 'toString', shape: [1], data: new Float32Array(1) }],
    ['a negative size', { dtype: 'float32', shape: [-1, -2], data: new Float32Array(2) }],
    ['no shape', { dtype: 'float32', data: new Float32Array(2) }],
  ])('refuse to write %s', (_, tensor) => {
    expect(() => encodeSafetensors(new Map([['t', tensor as HostTensor]]))).toThrow(code('HKL_TENSOR_INVALID'));
  });

  it.each(['__proto__', '__metadata__'])('refuse to write a tensor named %s', (name) => {
    const tensor: HostTensor = { dtype: 'uint8', shape: [1], data: Uint8Array.of(1) };
    expect(() => encodeSafetensors(new Map([[name, tensor]]))).toThrow(code('HKL_TENSOR_INVALID'));
  });

  it.each(['F8_E4M3', 'F8_E5M2', 'F8_E8M0', 'F4', 'F6_E2M3', 'C64'])(
    'say of the type %s that it is not supported, not that the file is damaged',
    (dtype) => {
      const whole = `"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`;
      const odd = (name: string) => `"${name}":{"dtype":"${dtype}","shape":[2],"data_offsets":[4,8]}`;
      const read =
        (...names: string[]) =>
        () =>
          decodeSafetensors(file(`{${[whole, ...names.map(odd)].join()}}`, [0, 0, 0, 0, 1, 2, 3, 4]));
      expect(read('scale')).toThrow(code('HKL_SAFETENSORS_DTYPE'));
      expect(read('scale')).toThrow(`types that are not supported: "scale" is ${dtype}. The file is not damaged.`);
      expect(read('a', 'b', 'c', 'd', 'e')).toThrow(`"c" is ${dtype} and 2 more.`);
    },
  );

  const u8 = (start: number, end: number, shape = `[${end - start}]`): string =>
    `{"dtype":"U8","shape":${shape},"data_offsets":[${start},${end}]}`;
  it.each([
    ['nothing', new Uint8Array(0)],
    ['less than a length', new Uint8Array(7)],
    ['an absurd length', file('{}', [], 2 ** 52)],
    ['a length beyond the end', file('{}', [], 100)],
    ['a length of 0', file('', [], 0)],
    ['no JSON', file('{"a":')],
    ['no object', file('[]')],
    ['white space first', file(' {}')],
    ['a byte order mark', file('\ufeff{}')],
    ['text after the object', file('{}x')],
    ['bytes that are no UTF-8', Buffer.concat([file('{"a', [], 8), Buffer.from([0xff, 0xfe]), Buffer.from('":1}')])],
    ['a doubled name', file(`{"a":${u8(0, 1)},"a":${u8(0, 1)}}`, [1])],
    ['a doubled field', file('{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}', [1])],
    ['the name __proto__', file(`{"__proto__":${u8(0, 1)}}`, [1])],
    ['an overlap', file(`{"a":${u8(0, 2)},"b":${u8(1, 3)}}`, [1, 2, 3])],
    ['the same bytes twice', file(`{"a":${u8(0, 2)},"b":${u8(0, 2)}}`, [1, 2])],
    ['a gap', file(`{"a":${u8(0, 1)},"b":${u8(2, 3)}}`, [1, 2, 3])],
    ['a gap at the beginning', file(`{"a":${u8(1, 2)}}`, [1, 2])],
    ['bytes left over', file(`{"a":${u8(0, 1)}}`, [1, 2])],
    ['bytes missing', file(`{"a":${u8(0, 3)}}`, [1, 2])],
    ['offsets out of order', file(`{"a":${u8(1, 0, '[0]')}}`, [])],
    ['negative offsets', file(`{"a":${u8(-1, 0)}}`, [])],
    ['offsets that are no integers', file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1.5]}}', [1])],
    ['three offsets', file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}', [1])],
    ['a shape that does not fit', file(`{"a":${u8(0, 2, '[3]')}}`, [1, 2])],
    ['a negative size', file(`{"a":${u8(0, 2, '[-1,-2]')}}`, [1, 2])],
    ['a product beyond exact integers', file(`{"a":${u8(0, 0, '[9007199254740991,9007199254740991,0]')}}`)],
    ['an unknown dtype', file('{"a":{"dtype":"Q4","shape":[1],"data_offsets":[0,1]}}', [1])],
    ['a dtype that objects have', file('{"a":{"dtype":"constructor","shape":[1],"data_offsets":[0,1]}}', [1])],
    ['an unknown field', file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}', [1])],
    ['a missing field', file('{"a":{"dtype":"U8","shape":[1]}}', [1])],
    ['a tensor that is null', file('{"a":null}')],
    ['metadata that is no text', file('{"__metadata__":{"a":1}}')],
    ['metadata that is a list', file('{"__metadata__":[]}')],
    ['metadata named __proto__', file('{"__metadata__":{"__proto__":"x"}}')],
  ])('refuse to read %s', (_, bytes) => {
    expect(() => decodeSafetensors(bytes)).toThrow(code('HKL_SAFETENSORS_INVALID'));
  });
});

describe('the Python package safetensors', () => {
  const python = process.env['PYTHON'] ?? 'python3';
  const absent = ((): string | undefined => {
    try {
      execFileSync(python, ['-c', 'import safetensors.numpy'], { stdio: 'pipe' });
      return undefined;
    } catch {
      return `${python} cannot import safetensors.numpy; set PYTHON to one that can`;
    }
  })();

  // Without Python the file made by hand above still holds decoder and format together.
  (absent === undefined ? it : it.skip)(
    `reads what we write${absent === undefined ? '' : ` (skipped: ${absent})`}`,
    () => {
      const folder = temporaryFolder();
      const path = join(folder, 'x.safetensors');
      const readable = new Map([...ALL].filter(([name]) => name !== 'bf16'));
      writeFileSync(path, encodeSafetensors(readable, new Map([['hookline', '{"a":"ü"}']])));
      const script = [
        'import sys, json, safetensors',
        'with safetensors.safe_open(sys.argv[1], framework="np") as f:',
        '  print(json.dumps([f.metadata(), {k: [str(f.get_tensor(k).dtype), list(f.get_tensor(k).shape), f.get_tensor(k).tobytes().hex()] for k in f.keys()}]))',
      ].join('\n');
      const [metadata, tensors] = JSON.parse(execFileSync(python, ['-c', script, path]).toString()) as [
        Record<string, string>,
        Record<string, [string, number[], string]>,
      ];
      expect(metadata).toEqual({ hookline: '{"a":"ü"}' });
      const expected = [...readable].map(([name, { dtype, shape, data }]) => [
        name,
        [dtype, shape, Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex')],
      ]);
      expect(tensors).toEqual(Object.fromEntries(expected));
    },
  );
});
