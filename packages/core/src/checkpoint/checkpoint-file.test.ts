import { createHash } from 'node:crypto';
import { open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readCheckpoint, readManifest, writeCheckpoint, writeCopyOfCheckpoint } from './checkpoint-file.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { HostTensor } from './host-tensor.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';
import { WriteThread } from './write-thread.ts';

const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;

const tensors = new Map<string, HostTensor>([
  ['dense/kernel', { dtype: 'float32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
  ['step', { dtype: 'int32', shape: [], data: Int32Array.of(7) }],
  ['mask', { dtype: 'bool', shape: [3], data: Uint8Array.of(1, 0, 1) }],
]);
const sample: Checkpoint = {
  tensors,
  manifest: {
    iteration: 12,
    hookline: '1.2.3',
    entries: {
      random: { data: { seed: 1, positions: { loader: 2 ** 40 } } },
      '@hookline/plugin-best#a': { version: '1.0.0', data: { best: -Infinity, last: NaN, zero: -0 } },
      $odd: { data: null },
    },
  },
};

describe('checkpoint file', () => {
  let folder = '';
  let path = '';
  beforeEach(() => {
    folder = temporaryFolder();
    path = join(folder, 'model.safetensors');
  });

  it('gives back what was written', async () => {
    const written = await writeCheckpoint(path, sample);
    const { manifest, tensors: read } = await readCheckpoint(path);
    expect(manifest).toEqual(written);
    expect(manifest).toMatchObject({ format: 1, ...sample.manifest });
    expect(Date.parse(manifest.created)).toBeGreaterThan(Date.now() - 60_000);
    expect(new Map([...read].sort())).toEqual(new Map([...tensors].sort()));
    expect(Object.is((manifest.entries['@hookline/plugin-best#a']?.data as { zero: number }).zero, -0)).toBe(true);
    expect(await readdir(folder)).toEqual(['model.safetensors']);
  });

  it.each([3, 12 * 2 ** 20])('writes the tensors as they are at the time of the call: %d bytes', async (size) => {
    const thread = new WriteThread();
    const data = new Uint8Array(size).fill(7);
    const entries = { seen: { data: { names: ['a'] } } };
    const made = (value: number): Checkpoint => ({
      tensors: new Map([
        ...tensors,
        ['large', { dtype: 'uint8', shape: [size], data: new Uint8Array(size).fill(value) }],
      ]),
      manifest: { ...sample.manifest, created: '2026-01-01', entries: { seen: { data: { names: ['a'] } } } },
    });
    const live = new Map([...tensors, ['large', { dtype: 'uint8' as const, shape: [size], data }]]);
    const manifest = { ...sample.manifest, created: '2026-01-01', entries };
    for (const value of [7, 8]) {
      data.fill(value);
      const writing = writeCopyOfCheckpoint(path, { manifest, tensors: live }, thread);
      data.fill(99);
      entries.seen.data.names.push('b');
      await writing;
      entries.seen.data.names.pop();
      const other = join(folder, 'other.safetensors');
      await writeCheckpoint(other, made(value));
      expect((await readFile(path)).equals(await readFile(other))).toBe(true);
    }
    await thread.close();
  });

  it('reports the system error of the thread, and writes the next checkpoint with another thread', async () => {
    const thread = new WriteThread();
    const bytes = thread.memory(8 * 2 ** 20)!;
    const handle = await open('/dev/null', 'r');
    await expect(thread.write(handle.fd, 0, bytes)).rejects.toMatchObject({ code: 'EBADF' });
    await handle.close();
    await writeFile(path, '');
    const file = await open(path, 'r+');
    const digest = createHash('sha256').update(bytes).digest('hex');
    expect(await thread.write(file.fd, 0, bytes)).toBe(digest);
    await file.close();
    await thread.close();
  });

  it('gives its manifest without reading its tensors, unless the manifest itself was changed', async () => {
    const written = await writeCheckpoint(path, sample);
    const bytes = await readFile(path);
    await truncate(path, bytes.length - 1);
    expect(await readManifest(path)).toEqual(written);
    await writeFile(path, bytes.toString('latin1').replace('"iteration', '"iterativn'), 'latin1');
    await expect(readManifest(path)).rejects.toThrow(code('HKL_CHECKPOINT_CORRUPT'));
    await rm(path);
    await expect(readManifest(path)).rejects.toThrow(code('HKL_CHECKPOINT_MISSING'));
  });

  it.each(['F8_E4M3', 'C64'])(
    'with tensors of type %s is refused by the name of the type, and not called damaged',
    async (dtype) => {
      const header = `{"w":{"dtype":"${dtype}","shape":[1],"data_offsets":[0,8]}}`;
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(header.length));
      await writeFile(path, Buffer.concat([length, Buffer.from(header), Buffer.alloc(8)]));
      await expect(readCheckpoint(path)).rejects.toMatchObject({ code: 'HKL_SAFETENSORS_DTYPE', who: path });
      await expect(readCheckpoint(path)).rejects.toThrow(`"w" is ${dtype}`);
    },
  );

  it('is a safetensors file, and the same bytes for the same contents', async () => {
    const dated = { ...sample, manifest: { ...sample.manifest, created: '2020-01-01T00:00:00.000Z' } };
    await writeCheckpoint(path, dated);
    const first = await readFile(path);
    const { tensors: plain, metadata } = decodeSafetensors(first);
    expect(plain.get('step')?.data).toEqual(Int32Array.of(7));
    expect([...metadata.keys()]).toEqual(['hookline', 'hookline_sha256']);
    await writeCheckpoint(path, { ...dated, tensors: new Map([...tensors].reverse()) });
    expect((await readFile(path)).equals(first)).toBe(true);
    await writeCheckpoint(path, await readCheckpoint(path));
    expect((await readFile(path)).equals(first)).toBe(true);
  });

  it('makes missing folders, and holds nothing at all if need be', async () => {
    const deep = join(folder, 'a', 'b', 'x.safetensors');
    await writeCheckpoint(deep, { tensors: new Map(), manifest: { iteration: 0, hookline: '1', entries: {} } });
    expect((await readCheckpoint(deep)).tensors.size).toBe(0);
  });

  it('holds tensors above and below the size of a chunk, in order', async () => {
    const sizes = [3, 5 * 2 ** 20, 10, 2 ** 20, 4 * 2 ** 20, 4 * 2 ** 20 - 3, 1, 2 ** 20 + 1];
    const many = new Map(
      sizes.map((size, n): [string, HostTensor] => [
        `t${n}`,
        { dtype: 'uint8', shape: [size], data: Uint8Array.from({ length: size }, (_, i) => (i * 31 + n) % 251) },
      ]),
    );
    await writeCheckpoint(path, { ...sample, tensors: many });
    const { tensors: read } = await readCheckpoint(path);
    for (const [name, { data }] of many) {
      expect(Buffer.compare(data as Uint8Array, read.get(name)!.data as Uint8Array)).toBe(0);
    }
  });

  it('that is cut off anywhere is refused', async () => {
    await writeCheckpoint(path, sample);
    const whole = await readFile(path);
    for (let size = 0; size < whole.length; size++) {
      await writeFile(path, whole.subarray(0, size));
      await expect(readCheckpoint(path)).rejects.toThrow(code('HKL_CHECKPOINT_TRUNCATED'));
    }
  });

  it('with any byte changed is refused', async () => {
    await writeCheckpoint(path, sample);
    const whole = await readFile(path);
    const codes = new Set<string>();
    const handle = await open(path, 'r+');
    for (let at = 0; at < whole.length; at++) {
      // Bit 0 turns digits and letters into others, so that most damaged headers are still JSON.
      await handle.write(Uint8Array.of(whole[at]! ^ 1), 0, 1, at);
      const error: unknown = await readCheckpoint(path).catch((raised: unknown) => raised);
      codes.add((error as { code: string }).code);
      await handle.write(whole, at, 1, at);
    }
    await handle.close();
    await readCheckpoint(path);
    expect([...codes].sort()).toEqual(expect.arrayContaining(['HKL_CHECKPOINT_CORRUPT']));
    expect([...codes].every((one) => /^HKL_CHECKPOINT_(CORRUPT|FOREIGN|TRUNCATED|NEWER)$/.test(one))).toBe(true);
    await writeFile(path, Buffer.concat([whole, Buffer.from('x')]));
    await expect(readCheckpoint(path)).rejects.toThrow(code('HKL_CHECKPOINT_CORRUPT'));
  });

  it('whose data were changed behind a sound header is corrupt', async () => {
    await writeCheckpoint(path, sample);
    const bytes = await readFile(path);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(path, bytes);
    await expect(readCheckpoint(path)).rejects.toThrow(/HKL_CHECKPOINT_CORRUPT.*not those that were written/);
  });

  it('whose tensors were exchanged in the header is corrupt', async () => {
    const two = new Map<string, HostTensor>([
      ['a', { dtype: 'uint8', shape: [1], data: Uint8Array.of(1) }],
      ['b', { dtype: 'uint8', shape: [1], data: Uint8Array.of(2) }],
    ]);
    await writeCheckpoint(path, { ...sample, tensors: two });
    const { metadata } = decodeSafetensors(await readFile(path));
    await writeFile(
      path,
      encodeSafetensors(
        new Map([
          ['x', two.get('a')!],
          ['y', two.get('b')!],
        ]),
        metadata,
      ),
    );
    await expect(readCheckpoint(path)).rejects.toThrow(/HKL_CHECKPOINT_CORRUPT.*manifest was changed/);
  });

  it('is distinguished from a file that is missing, foreign or empty, and from a folder', async () => {
    await expect(readCheckpoint(path)).rejects.toThrow(code('HKL_CHECKPOINT_MISSING'));
    await expect(readCheckpoint(folder)).rejects.toThrow(code('HKL_CHECKPOINT_UNREADABLE'));
    const contents = [
      encodeSafetensors(tensors),
      encodeSafetensors(tensors, new Map([['format', 'pt']])),
      Buffer.from('\x89PNG\r\n\x1a\n and so on'),
      Buffer.from('PK\x03\x04 a zip archive of weights'),
      Buffer.from('{"weights": [1, 2, 3]}'),
      Buffer.alloc(1000),
    ];
    for (const content of contents) {
      await writeFile(path, content);
      await expect(readCheckpoint(path)).rejects.toThrow(code('HKL_CHECKPOINT_FOREIGN'));
    }
    await truncate(path, 0);
    await expect(readCheckpoint(path)).rejects.toThrow(code('HKL_CHECKPOINT_TRUNCATED'));
  });

  it('of a newer format asks for an update', async () => {
    const manifest = JSON.stringify({ format: 2, hookline: '9.0.0', anything: 'else' });
    await writeFile(path, encodeSafetensors(tensors, new Map([['hookline', manifest]])));
    await expect(readCheckpoint(path)).rejects.toThrow(/HKL_CHECKPOINT_NEWER.*format 2.*9\.0\.0.*Update Hookline/);
  });

  it.each(['no JSON', 'null', '{"format":1}', '{"format":"2"}', '{"format":1,"entries":{"__proto__":{}}}'])(
    'with the manifest %s is corrupt',
    async (manifest) => {
      await writeFile(path, encodeSafetensors(tensors, new Map([['hookline', manifest]])));
      await expect(readCheckpoint(path)).rejects.toThrow(code('HKL_CHECKPOINT_CORRUPT'));
    },
  );

  it('is not written when something in it cannot be saved; the old one stays', async () => {
    await writeCheckpoint(path, sample);
    const before = await readFile(path);
    const drafts: [string, Checkpoint][] = [
      ['HKL_STATE_NOT_JSON', { ...sample, manifest: { ...sample.manifest, entries: { p: { data: new Map() } } } }],
      ['HKL_CHECKPOINT_DRAFT', { ...sample, manifest: { ...sample.manifest, iteration: 0.5 } }],
      [
        'HKL_TENSOR_INVALID',
        { ...sample, tensors: new Map([['t', { dtype: 'int32', shape: [2], data: Int32Array.of(1) }]]) },
      ],
    ];
    for (const [expected, draft] of drafts) await expect(writeCheckpoint(path, draft)).rejects.toThrow(code(expected));
    const hostile = JSON.parse('{"__proto__":{"data":1}}') as Checkpoint['manifest']['entries'];
    const polluted = { ...sample, manifest: { ...sample.manifest, entries: hostile } };
    await expect(writeCheckpoint(path, polluted)).rejects.toThrow(code('HKL_STATE_NOT_JSON'));
    expect((await readFile(path)).equals(before)).toBe(true);
    expect(await readdir(folder)).toEqual(['model.safetensors']);
  });

  it('in a folder that may not be written says so', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(writeCheckpoint(join(folder, 'file', 'x.safetensors'), sample)).rejects.toThrow(
      code('HKL_UNWRITABLE'),
    );
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('in a folder of somebody else says so', async () => {
    const { getuid, seteuid } = process;
    if (getuid?.() !== 0 || seteuid === undefined) skipTest('only an administrator can become another user');
    seteuid(65534);
    try {
      await expect(writeCheckpoint(path, sample)).rejects.toThrow(code('HKL_UNWRITABLE'));
    } finally {
      seteuid(0);
    }
    expect(await readdir(folder)).toEqual([]);
  });
});
