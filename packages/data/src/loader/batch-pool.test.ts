import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { decodeFile } from './decode-file.ts';
import { DecodePool } from './decode-pool.ts';

let folder: string;
let pool: DecodePool;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'hookline-pool-'))));
afterEach(async () => {
  await pool.close();
  await rm(folder, { recursive: true });
});

const request = (name: string, change = {}) => ({
  file: join(folder, name),
  ...{ sourceWidth: 12, sourceHeight: 8, width: 12, height: 8, orient: true },
  ...change,
});
const red = (channels: 3 | 4 = 3) =>
  sharp({ create: { width: 12, height: 8, channels, background: { r: 250, g: 10, b: 20, alpha: 0.5 } } });

describe.each([0, 2])('DecodePool of %i threads', (workers) => {
  beforeEach(() => (pool = new DecodePool({ workers })));

  it('decodes colour, grey, alpha and 16 bits to three bytes, at the size asked for', async () => {
    await red().png().toFile(join(folder, 'red.png'));
    await red(4).png().toFile(join(folder, 'alpha.png'));
    await red().greyscale().png().toFile(join(folder, 'grey.png'));
    await red().toColourspace('rgb16').png().toFile(join(folder, 'deep.png'));
    await red().png().toFile(join(folder, 'png.jpg'));
    for (const name of ['red.png', 'alpha.png', 'deep.png', 'png.jpg']) {
      const pixels = await pool.decode(request(name));
      expect([name, pixels.length, ...pixels.subarray(0, 3)]).toEqual([name, 288, 250, 10, 20]);
    }
    const [r, g, b] = await pool.decode(request('grey.png'));
    expect([r, r]).toEqual([g, b]);
    expect(await pool.decode(request('red.png', { width: 6, height: 3 }))).toHaveLength(54);
  });

  it('applies the EXIF rotation or leaves it', async () => {
    const left = Buffer.alloc(12 * 8 * 3).map((_, at) => (at % 36 < 18 ? 255 : 0));
    const file = sharp(left, { raw: { width: 12, height: 8, channels: 3 } }).withMetadata({ orientation: 6 });
    await file.png().toFile(join(folder, 'turned.png'));
    const turned = { sourceWidth: 8, sourceHeight: 12, width: 8, height: 12 };
    // A quarter turn clockwise brings the left half to the top.
    const seen = await pool.decode(request('turned.png', turned));
    expect([seen[0], seen[7 * 3], seen[11 * 24]]).toEqual([255, 255, 0]);
    const stored = await pool.decode(request('turned.png', { orient: false }));
    expect([stored[0], stored[11 * 3], stored[7 * 36]]).toEqual([255, 0, 255]);
    await expect(pool.decode(request('turned.png'))).rejects.toThrow(/turned\.png.*8x12.*record says 12x8/);
  });

  it('names the file that it cannot decode, and goes on with others', async () => {
    await writeFile(join(folder, 'text.jpg'), 'no picture');
    await red().jpeg().toFile(join(folder, 'good.jpg'));
    await writeFile(join(folder, 'cut.jpg'), (await readFile(join(folder, 'good.jpg'))).subarray(0, -60));
    for (const name of ['text.jpg', 'none.jpg', 'cut.jpg'])
      await expect(pool.decode(request(name))).rejects.toThrow(new RegExp(`HKL_IMAGE_UNREADABLE.*${name}`));
    expect(await pool.decode(request('good.jpg'))).toHaveLength(288);
    expect(pool.restarts).toBe(0);
  });
});

describe('a thread that dies', () => {
  /** A worker that ends itself at the first `deaths` images whose name has "bad" in it, over all threads. */
  async function mortal(deaths: number, how: string): Promise<string> {
    const script = join(folder, 'mortal.mjs');
    const real = fileURLToPath(new URL('./decode-worker.mjs', import.meta.url));
    const source = `
      import ${JSON.stringify(`file://${real}`)};
      import { appendFileSync, readFileSync } from 'node:fs';
      import { parentPort } from 'node:worker_threads';
      parentPort.on('message', ({ file }) => {
        if (!file.includes('bad')) return;
        const log = ${JSON.stringify(join(folder, 'deaths'))};
        appendFileSync(log, 'x');
        if (readFileSync(log).length <= ${deaths}) { ${how} }
      });`;
    await writeFile(script, source);
    return script;
  }

  it.each(['process.exit(3)', 'throw new Error("out of luck")'])(
    'is replaced and its image done again: %s',
    async (how) => {
      pool = new DecodePool({ workers: 2, script: await mortal(1, how) });
      for (const name of ['a.png', 'bad.png', 'c.png', 'd.png']) await red().png().toFile(join(folder, name));
      const images = await Promise.all(
        ['a.png', 'bad.png', 'c.png', 'd.png'].map((name) => pool.decode(request(name))),
      );
      expect(images.map(({ length }) => length)).toEqual([288, 288, 288, 288]);
      expect(pool.restarts).toBe(1);
    },
  );

  it('over the same image again is an error with its name, and other images are decoded', async () => {
    pool = new DecodePool({ workers: 1, script: await mortal(99, 'process.exit(3)') });
    for (const name of ['a.png', 'bad.png']) await red().png().toFile(join(folder, name));
    const results = ['a.png', 'bad.png', 'a.png'].map((name) => pool.decode(request(name)));
    const [before, bad, after] = await Promise.allSettled(results);
    expect(bad).toMatchObject({ status: 'rejected', reason: { code: 'HKL_DATA_WORKER' } });
    expect(String((bad as PromiseRejectedResult).reason)).toMatch(/bad\.png: two decoding threads died.*code 3/);
    expect([before?.status, after?.status]).toEqual(['fulfilled', 'fulfilled']);
    expect(pool.restarts).toBe(2);
  });

  it('closing gives up what waits, by name', async () => {
    pool = new DecodePool({ workers: 1 });
    await red().png().toFile(join(folder, 'a.png'));
    const waiting = expect(pool.decode(request('a.png'))).rejects.toThrow(/HKL_DATA_CLOSED.*a\.png/);
    await pool.close();
    await waiting;
    await expect(pool.decode(request('a.png'))).rejects.toThrow(/HKL_DATA_CLOSED/);
  });
});

describe('decodeFile', () => {
  beforeEach(() => (pool = new DecodePool({ workers: 0 })));

  it('decodes an image without record, and leads back to its pixels', async () => {
    await red().jpeg().withMetadata({ orientation: 6 }).toFile(join(folder, 'a.jpg'));
    const { image, width, height, transform } = await decodeFile(join(folder, 'a.jpg'), {
      size: { width: 4, height: 6 },
    });
    expect([width, height, image.width, image.height, image.data.length]).toEqual([8, 12, 4, 6, 72]);
    expect([...transform.inverse().applyBoxes(Float32Array.of(1, 2, 4, 6))]).toEqual([2, 4, 8, 12]);
    await expect(decodeFile(join(folder, 'none.jpg'))).rejects.toThrow(/HKL_IMAGE_UNREADABLE.*none\.jpg/);
  });
});
