import {
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { imageHeaderOf, readImageHeader } from './image-header.ts';
import { readCoco } from './read-coco.ts';

const folder = temporaryFolder();

const noise = (channels: 1 | 3 | 4, width = 40, height = 30) =>
  sharp(Buffer.from(Array.from({ length: width * height * channels }, (_, i) => (i * 7919) % 251)), {
    raw: { width, height, channels },
  });
const grey = () => noise(1).toColourspace('b-w');
const write = (name: string, bytes: Buffer) => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};

describe('readImageHeader', () => {
  it.each<[string, () => Promise<Buffer>]>([
    ['JPEG', () => noise(3).jpeg().toBuffer()],
    ['progressive JPEG', () => noise(3).jpeg({ progressive: true }).toBuffer()],
    ['grey JPEG', () => grey().jpeg().toBuffer()],
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((orientation): [string, () => Promise<Buffer>] => [
      `JPEG of orientation ${orientation}`,
      () => noise(3).jpeg().withMetadata({ orientation }).toBuffer(),
    ]),
    ['JPEG with a long profile', () => noise(3).jpeg().withIccProfile('p3').withExif({ IFD0: { Artist: 'x'.repeat(3000) } }).toBuffer()], // prettier-ignore
    ['PNG', () => noise(3).png().toBuffer()],
    ['grey PNG', () => grey().png().toBuffer()],
    ['PNG with alpha', () => noise(4).png().toBuffer()],
    ['PNG of 16 bits', () => noise(3).toColourspace('rgb16').png().toBuffer()],
  ])('reads the header of a %s as a decoder does', async (_, make) => {
    const bytes = await make();
    const { format, width, height, channels, hasAlpha, orientation } = await sharp(bytes).metadata();
    const said = { format, width, height, channels, hasAlpha, orientation };
    expect(readImageHeader(write('image', bytes)).header).toEqual(said);
    expect(imageHeaderOf(bytes)).toEqual(said);
  });

  it.each<[string, () => Promise<Buffer>]>([
    ['a palette', () => noise(3).png({ palette: true }).toBuffer()],
    ['CMYK', () => noise(3).toColourspace('cmyk').jpeg().toBuffer()],
    ['WebP', () => noise(3).webp().toBuffer()],
    ['a JPEG without an end', async () => (await noise(3).jpeg().toBuffer()).subarray(0, -30)],
    ['a PNG without an end', async () => (await noise(3).png().toBuffer()).subarray(0, -12)],
    ['a JPEG of its first bytes', async () => (await noise(3).jpeg().toBuffer()).subarray(0, 20)],
    ['text', () => Promise.resolve(Buffer.from('this is no picture at all'))],
  ])('leaves %s to the decoder', async (_, make) => {
    expect(readImageHeader(write('image', await make())).header).toBeUndefined();
  });
});

describe('the check of an image', () => {
  /** A COCO file with this number of entries for the same image. */
  async function coco(images: number): Promise<string> {
    const root = mkdtempSync(join(folder, 'set-'));
    writeFileSync(join(root, '0.jpg'), await noise(3).jpeg().toBuffer());
    const list = Array.from({ length: images }, (_, id) => ({ id, file_name: `${id}.jpg`, width: 40, height: 30 }));
    for (const { id, file_name } of list) if (id > 0) linkSync(join(root, '0.jpg'), join(root, file_name));
    writeFileSync(join(root, 'set.json'), JSON.stringify({ images: list, annotations: [], categories: [{ id: 1, name: 'a' }] })); // prettier-ignore
    return root;
  }
  /** Overwrites bytes in the middle, keeping the size and the modification time. */
  function damage(file: string): void {
    const bytes = readFileSync(file);
    bytes.fill(0xff, bytes.length >> 1, bytes.length - 40);
    rmSync(file);
    writeFileSync(file, bytes);
  }

  it('decodes all of it or reads its header, which reveals truncation but no inner damage', async () => {
    const root = await coco(3);
    const json = join(root, 'set.json');
    damage(join(root, '1.jpg'));
    const bytes = readFileSync(join(root, '2.jpg'));
    rmSync(join(root, '2.jpg'));
    writeFileSync(join(root, '2.jpg'), bytes.subarray(0, bytes.length >> 1));
    const kept = async (checkImages: 'decode' | 'header') => {
      const { records, report } = await readCoco({ json, checkImages });
      return { ids: records.map(({ imageId }) => imageId), kinds: report.problems.map(({ kind }) => kind) };
    };
    const header = await kept('header');
    expect(header).toEqual({ ids: [0, 1], kinds: ['image-truncated'] });
    expect((await kept('decode')).kinds.length).toBeGreaterThan(1);
  });

  it('is remembered by size and time, is reported as progress, and is repeated when the memory is lost', async () => {
    const root = await coco(260);
    const [json, remember] = [join(root, 'set.json'), join(root, 'memory')];
    const told: number[] = [];
    const read = async () => {
      const { records, report } = await readCoco({ json, remember, onProgress: (done) => told.push(done) });
      return { images: records.length, kinds: report.problems.map(({ kind }) => kind) };
    };
    const sound = { images: 260, kinds: [] };
    expect(await read()).toEqual(sound);
    expect(told).toEqual([256]);
    const [name] = readdirSync(remember);
    const memory = join(remember, name as string);
    // Damage that keeps size and time is not noticed, since the images are not decoded again.
    const { mtime } = { mtime: new Date(1_700_000_000_000) };
    const damaged = join(root, '7.jpg');
    utimesSync(damaged, mtime, mtime);
    expect(await read()).toEqual(sound);
    damage(damaged);
    utimesSync(damaged, mtime, mtime);
    expect(await read()).toEqual(sound);
    // With another modification time, it is checked.
    utimesSync(damaged, mtime, new Date(1_600_000_000_000));
    const found = await read();
    expect(found.kinds).toHaveLength(1);
    for (const content of [
      '{"version": 1, "images": {"x',
      '{"version": 0}',
      'null',
      '{"version": 1, "images": {"a": [1]}}',
      '',
    ]) {
      writeFileSync(memory, content);
      expect(await read()).toEqual(found);
    }
    rmSync(remember, { recursive: true });
    expect(await read()).toEqual(found);
    expect(existsSync(memory)).toBe(true);
    // A folder that cannot be written is no error.
    expect((await readCoco({ json, remember: json })).records).toHaveLength(found.images);
  });
});
