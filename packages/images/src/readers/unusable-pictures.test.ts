import { spawnSync } from 'node:child_process';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { decodeFile } from '../loader/decode-file.ts';
import { checkImage } from './check-image.ts';
import { ProblemList } from './dataset-report.ts';

let folder: string;
let jpeg: Buffer;
beforeAll(async () => {
  folder = temporaryFolder();
  const data = Uint8Array.from({ length: 96 * 64 * 3 }, (_, at) => (at * 7919 + at * at) >> 3);
  jpeg = await sharp(data, { raw: { width: 96, height: 64, channels: 3 } })
    .jpeg()
    .toBuffer();
});

const half = (): Buffer => jpeg.subarray(0, jpeg.length / 2);
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const heic = (): Buffer => Buffer.concat([bytes('\0\0\0\x18ftypheic\0\0\0\0mif1heic'), Buffer.alloc(100)]);

/** The findings about a file with these bytes, from the readers and from a decoder. */
async function look(
  name: string,
  content: Buffer | undefined,
): Promise<[kind: string, message: string, error: string]> {
  const file = join(folder, name);
  if (content !== undefined) await writeFile(file, content);
  const problems = new ProblemList();
  await checkImage(file, undefined, 'decode', problems);
  const error = await decodeFile(file).then(
    () => '',
    (raised: unknown) => (raised as Error).message,
  );
  const [found] = problems.problems;
  return [found?.kind ?? '', found?.message ?? '', error];
}

it.each<[string, () => Buffer, string, RegExp]>([
  [
    'drawn.bmp',
    () => Buffer.concat([bytes('BM\x36\x10\0\0\0\0\0\0'), Buffer.alloc(90)]),
    'image-unreadable',
    /it is a BMP picture.*Convert it to JPEG or PNG/,
  ],
  [
    'bitmap.jpg',
    () => Buffer.concat([bytes('BM\x36\x10\0\0\0\0\0\0'), Buffer.alloc(90)]),
    'image-unreadable',
    /it is a BMP picture/,
  ],
  ['phone.heic', heic, 'image-unreadable', /it is a HEIC picture.*Convert it/],
  ['new.jxl', () => bytes('\xff\x0a\xfa\x1f'), 'image-unreadable', /it is a JPEG XL picture/],
  [
    'page.jpg',
    () => bytes('<!DOCTYPE html><html><title>404'),
    'image-unreadable',
    /it is a web page.*download has failed/,
  ],
  [
    'pointer.jpg',
    () => bytes('version https://git-lfs.github.com/spec/v1\noid'),
    'image-unreadable',
    /a pointer of Git LFS.*git lfs pull/,
  ],
  ['zeros.jpg', () => Buffer.alloc(4096), 'image-unreadable', /begins with zeros only/],
  ['paper.png', () => bytes('%PDF-1.7'), 'image-unreadable', /a PDF document/],
  ['noise.png', () => bytes('no image'), 'image-unreadable', /it cannot be decoded: .*unsupported image format/],
])('%s is reported with its kind', async (name, content, kind, message) => {
  expect(await look(name, content())).toEqual([
    kind,
    expect.stringMatching(message),
    expect.stringMatching(/^\[HKL_IMAGE_UNREADABLE\]/),
  ]);
  expect((await look(name, undefined))[2]).toMatch(message);
});

it('distinguishes a truncated JPEG with an end marker from one with local damage', async () => {
  expect(await look('cut.jpg', half())).toEqual([
    'image-truncated',
    expect.any(String),
    expect.stringMatching(/HKL_IMAGE/),
  ]);
  const [kind, message] = await look('closed.jpg', Buffer.concat([half(), Buffer.of(0xff, 0xd9)]));
  expect([kind, message]).toEqual([
    'image-truncated',
    'it ends before all its pixels are there, and an end marker was appended',
  ]);
  const scratched = Buffer.from(jpeg).fill(0, jpeg.length / 2, jpeg.length / 2 + 20);
  expect((await look('scratched.jpg', scratched))[0]).toBe('image-damaged');
  for (const name of ['sound.jpg', 'sound.jfif']) expect(await look(name, jpeg)).toEqual(['', '', '']);
  expect(await look('sound.avif', await sharp(jpeg).avif({ effort: 0 }).toBuffer())).toEqual(['', '', '']);
});

it('reports a missing file, and a path that is not a file', async () => {
  expect(await look('nowhere.jpg', undefined)).toEqual([
    'image-missing',
    'there is no such file',
    expect.stringMatching(/nowhere\.jpg: there is no such file/),
  ]);
  await mkdir(join(folder, 'folder.jpg'));
  expect((await look('folder.jpg', undefined))[2]).toMatch(/it is a folder, not a file/);
  await symlink('loop.jpg', join(folder, 'loop.jpg'));
  expect((await look('loop.jpg', undefined)).slice(0, 2)).toEqual([
    'image-unreadable',
    'it is a link that leads back to itself',
  ]);
});

it('reports a file without read permission as such', async () => {
  const file = join(folder, 'secret.jpg');
  await writeFile(file, jpeg);
  await chmod(file, 0);
  await chmod(folder, 0o755);
  // Root may read everything, so the check runs as another user.
  const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const module = new URL('../../dist/loader/decode-file.js', import.meta.url);
  const script = `import(${JSON.stringify(module.href)}).then(({ decodeFile }) => decodeFile(${JSON.stringify(file)})).catch(({ message }) => console.log(message))`;
  const { stdout } = spawnSync(process.execPath, ['-e', script], {
    ...nobody,
    encoding: 'utf8',
    cwd: fileURLToPath(new URL('.', module)),
  });
  expect(stdout).toMatch(/secret\.jpg: it may not be read \(EACCES\)\. Give yourself the permission/);
});
