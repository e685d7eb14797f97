import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import type { BatchJob, BatchRecipe } from './batch-job.ts';
import { BatchPool } from './batch-pool.ts';
import { decodeFile } from './decode-file.ts';
import type { DecodeRequest } from './decode-image.ts';
import { loadImages } from './make-batch.ts';
import type { BatchResult } from './serve-batches.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

const request = (name: string, change = {}): DecodeRequest => ({
  file: join(folder, name),
  ...{ sourceWidth: 12, sourceHeight: 8, width: 12, height: 8, orient: true },
  ...change,
});
const jobOf = (...requests: DecodeRequest[]): BatchJob => ({
  samples: requests.map((each) => ({ request: each, slot: undefined, boxes: [], classes: [] })),
  random: { seed: 1, path: 'pool' },
});
const job = (...names: string[]) => jobOf(...names.map((name) => request(name)));
const pixelsIn = (result: BatchResult) => ('pixels' in result ? result.pixels[0]! : new Uint8Array());
const red = (channels: 3 | 4 = 3) =>
  sharp({ create: { width: 12, height: 8, channels, background: { r: 250, g: 10, b: 20, alpha: 0.5 } } });
const paint = (...names: string[]) => Promise.all(names.map((name) => red().png().toFile(join(folder, name))));

describe.each(['the thread that asks', 'threads'])('decoding in %s', (where) => {
  const pool = new BatchPool({ workers: 1 });
  afterAll(() => pool.close());

  async function decode(wanted: DecodeRequest): Promise<Uint8Array> {
    if (where !== 'threads') return (await loadImages(jobOf(wanted).samples, 1)).images[0]!.data;
    return pixelsIn(await pool.run(jobOf(wanted)));
  }

  it('gives three bytes for colour, grey, alpha and 16 bits, at the size asked for', async () => {
    await red().png().toFile(join(folder, 'red.png'));
    await red(4).png().toFile(join(folder, 'alpha.png'));
    await red().greyscale().png().toFile(join(folder, 'grey.png'));
    await red().toColourspace('rgb16').png().toFile(join(folder, 'deep.png'));
    await red().png().toFile(join(folder, 'png.jpg'));
    for (const name of ['red.png', 'deep.png', 'png.jpg']) {
      const pixels = await decode(request(name));
      expect([name, pixels.length, ...pixels.subarray(0, 3)]).toEqual([name, 288, 250, 10, 20]);
    }
    // Half of it is blended with white.
    const laid = await decode(request('alpha.png'));
    expect([laid.length, ...laid.subarray(0, 3)]).toEqual([288, 252, 132, 137]);
    const [r, g, b] = await decode(request('grey.png'));
    expect([r, r]).toEqual([g, b]);
    expect(await decode(request('red.png', { width: 6, height: 3 }))).toHaveLength(54);
  });

  it('applies the EXIF rotation or leaves it', async () => {
    const left = Buffer.alloc(12 * 8 * 3).map((_, at) => (at % 36 < 18 ? 255 : 0));
    const file = sharp(left, { raw: { width: 12, height: 8, channels: 3 } }).withMetadata({ orientation: 6 });
    await file.png().toFile(join(folder, 'turned.png'));
    const turned = { sourceWidth: 8, sourceHeight: 12, width: 8, height: 12 };
    // A quarter turn clockwise brings the left half to the top.
    const seen = await decode(request('turned.png', turned));
    expect([seen[0], seen[7 * 3], seen[11 * 24]]).toEqual([255, 255, 0]);
    const stored = await decode(request('turned.png', { orient: false }));
    expect([stored[0], stored[11 * 3], stored[7 * 36]]).toEqual([255, 0, 255]);
    await expect(decode(request('turned.png'))).rejects.toThrow(/turned\.png.*8x12.*record says 12x8/);
  });

  it('names the file that it cannot decode, and continues with others', async () => {
    await writeFile(join(folder, 'text.jpg'), 'no picture');
    await red().jpeg().toFile(join(folder, 'good.jpg'));
    await writeFile(join(folder, 'cut.jpg'), (await readFile(join(folder, 'good.jpg'))).subarray(0, -60));
    for (const name of ['text.jpg', 'none.jpg', 'cut.jpg']) {
      const failing = expect(decode(request(name))).rejects;
      await failing.toMatchObject({ code: 'HKL_IMAGE_UNREADABLE', who: join(folder, name), cause: expect.anything() });
    }
    expect(await decode(request('good.jpg'))).toHaveLength(288);
    expect(pool.restarts).toBe(0);
  });
});

describe('a thread that dies', () => {
  let pool: BatchPool;
  afterEach(() => pool.close());

  /** A worker that ends itself at the first `deaths` batches that have an image with "bad" in its name. */
  async function mortal(deaths: number, how: string): Promise<string> {
    const script = join(folder, 'mortal.mjs');
    const source = `
      import ${JSON.stringify(new URL('./batch-worker.mjs', import.meta.url).href)};
      import { appendFileSync, readFileSync } from 'node:fs';
      import { parentPort } from 'node:worker_threads';
      parentPort.on('message', ({ samples }) => {
        if (!samples.some(({ request }) => request.file.includes('bad'))) return;
        const log = ${JSON.stringify(join(folder, 'deaths'))};
        appendFileSync(log, 'x');
        if (readFileSync(log).length <= ${deaths}) { ${how} }
      });`;
    await writeFile(script, source);
    return script;
  }

  it.each(['process.exit(3)', 'throw new Error("out of luck")'])(
    'is replaced and its batch made again: %s',
    async (how) => {
      pool = new BatchPool({ workers: 1, script: await mortal(1, how) });
      const names = ['a.png', 'bad.png', 'c.png'];
      await paint(...names);
      const results = await Promise.all(names.map((name) => pool.run(job(name))));
      expect(results.map((result) => pixelsIn(result).length)).toEqual([288, 288, 288]);
      expect(pool.restarts).toBe(1);
    },
  );

  it('twice over the same batch is an error that names the image, and other batches are made', async () => {
    const module = pathToFileURL(join(folder, 'mortal-augmentation.mjs')).href;
    const decide = `decide({ image }) { if (image.data[0] === 7) process.exit(3); return { applyImage: (i) => i, applyBoxes: (b) => b } }`;
    await writeFile(new URL(module), `export const mortal = () => ({ name: 'mortal', ${decide} });`);
    const recipe: BatchRecipe = {
      settings: { divisor: 1, maxBoxes: 0, fill: 0, dtype: 'uint8', minVisible: 0, minSize: 0 },
      augmentations: [{ module, name: 'mortal', args: [] }],
    };
    pool = new BatchPool({ workers: 1, recipe });
    await paint('a.png', 'b.png');
    await sharp({ create: { width: 12, height: 8, channels: 3, background: { r: 7, g: 7, b: 7 } } })
      .png()
      .toFile(join(folder, 'bad.png'));
    const jobs = [job('a.png', 'b.png'), job('a.png', 'bad.png', 'b.png'), job('b.png')];
    const [before, bad, after] = await Promise.allSettled(jobs.map((each) => pool.run(each)));
    expect(bad).toMatchObject({ reason: { code: 'HKL_DATA_WORKER', who: join(folder, 'bad.png') } });
    expect(String((bad as PromiseRejectedResult).reason)).toMatch(/bad\.png: two threads died.*code 3/);
    expect([before?.status, after?.status]).toEqual(['fulfilled', 'fulfilled']);
    expect(pool.restarts).toBe(2);
  });

  it('before it could start is an error that says so', async () => {
    await writeFile(join(folder, 'broken.mjs'), 'import "no-such-package";');
    pool = new BatchPool({ workers: 1, script: join(folder, 'broken.mjs') });
    await expect(pool.run(job('a.png'))).rejects.toThrow(
      /HKL_DATA_WORKER.*no thread can be started.*no-such-package.*workers: 0/,
    );
  });

  it('passes on an error of a function that it calls, with its code, sentence and advice', async () => {
    const settings = { divisor: 1, maxBoxes: 0, fill: 0, dtype: 'uint8', minVisible: 0, minSize: 0 } as const;
    const augmentations = [{ name: 'randomFlip', args: [{ probabilty: 1 }] }];
    pool = new BatchPool({ workers: 1, recipe: { settings, augmentations } });
    await paint('a.png');
    await expect(pool.run(job('a.png'))).rejects.toMatchObject({
      code: 'HKL_OPTION_UNKNOWN',
      what: 'it has no option "probabilty"',
      who: 'randomFlip',
      fix: expect.stringContaining('"probability"') as string,
    });
  });

  it('closing rejects waiting batches with a named error', async () => {
    pool = new BatchPool({ workers: 1 });
    await paint('a.png');
    const waiting = expect(pool.run(job('a.png'))).rejects.toThrow(/HKL_DATA_CLOSED.*a\.png/);
    await pool.close();
    await waiting;
    await expect(pool.run(job('a.png'))).rejects.toThrow(/HKL_DATA_CLOSED/);
  });
});

describe('help', () => {
  const make = async ({ samples }: BatchJob): Promise<BatchResult> => {
    const { images, read } = await loadImages(samples, 1);
    return { pixels: images.map(({ data }) => data), read };
  };
  let pool: BatchPool;
  afterEach(() => pool.close());

  /** A thread that never becomes ready. */
  async function sleeper(): Promise<string> {
    const script = join(folder, 'sleeper.mjs');
    await writeFile(script, 'await new Promise(() => setInterval(() => undefined, 1000));');
    return script;
  }

  it('makes batches while threads start, in the order in which they were asked for', async () => {
    await paint('a.png', 'b.png');
    pool = new BatchPool({ workers: 1, isBuiltIn: true, script: await sleeper() });
    pool.start();
    expect(pool.isOldestFree).toBe(false);
    const order: string[] = [];
    const both = ['a.png', 'b.png'].map((name) => pool.run(job(name)).then(() => order.push(name)));
    expect(pool.isOldestFree).toBe(true);
    while (await pool.help(make));
    await Promise.all(both);
    expect(order).toEqual(['a.png', 'b.png']);
    expect(pool.isOldestFree).toBe(false);
  });

  it('overtakes a thread that is slow', async () => {
    await paint('a.png');
    const script = join(folder, 'slow.mjs');
    await writeFile(
      script,
      `import { parentPort, workerData } from 'node:worker_threads';
       Atomics.store(workerData.progress, 0, 0);
       parentPort.on('message', ({ claim }) => Atomics.store(claim, 0, 1));`,
    );
    pool = new BatchPool({ workers: 1, isBuiltIn: true, script });
    const made = pool.run(job('a.png'));
    while (pool.isOldestFree) await new Promise((resolve) => setTimeout(resolve, 10));
    expect([await pool.help(make), await pool.overtake(make)]).toEqual([false, true]);
    expect(pixelsIn(await made)).toHaveLength(288);
    expect(await pool.overtake(make)).toBe(false);
  });

  it('waits for threads where augmentations are the user’s own, which may never end', async () => {
    await paint('a.png');
    pool = new BatchPool({ workers: 1, script: await sleeper() });
    const waiting = expect(pool.run(job('a.png'))).rejects.toThrow(/HKL_DATA_CLOSED/);
    expect([pool.isOldestFree, await pool.help(make), await pool.overtake(make)]).toEqual([false, false, false]);
    await pool.close();
    await waiting;
  });

  it('does not hide threads that cannot start: later batches are refused', async () => {
    await paint('a.png');
    await writeFile(join(folder, 'broken.mjs'), 'import "no-such-package";');
    pool = new BatchPool({ workers: 1, isBuiltIn: true, script: join(folder, 'broken.mjs') });
    const first = pool.run(job('a.png'));
    while (await pool.help(make));
    await first;
    await expect(pool.run(job('a.png'))).rejects.toThrow(/HKL_DATA_WORKER.*no thread can be started.*workers: 0/);
    await expect(pool.run(job('a.png'))).rejects.toThrow(/HKL_DATA_WORKER/);
  });
});

describe('decodeFile', () => {
  it('decodes an image without a record, and maps back to its pixels', async () => {
    await red().jpeg().withMetadata({ orientation: 6 }).toFile(join(folder, 'a.jpg'));
    const { image, width, height, transform } = await decodeFile(join(folder, 'a.jpg'), {
      size: { width: 4, height: 6 },
    });
    expect([width, height, image.width, image.height, image.data.length]).toEqual([8, 12, 4, 6, 72]);
    expect([...transform.inverse().applyBoxes(Float32Array.of(1, 2, 4, 6))]).toEqual([2, 4, 8, 12]);
    await expect(decodeFile(join(folder, 'none.jpg'))).rejects.toThrow(/HKL_IMAGE_UNREADABLE.*none\.jpg/);
  });
});
