import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { RandomStream } from '@hookline/core';
import sharp from 'sharp';
import type { DatasetRecord } from '../records/dataset-record.ts';
import { InferenceSampler } from '@hookline/data';
import { moduleAugmentation } from '../transforms/module-augmentation.ts';
import { randomFlip } from '../transforms/random-augmentations.ts';
import { DetectionLoader } from './detection-loader.ts';
import type { DetectionLoaderOptions } from './loader-options.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

async function paint(count: number): Promise<DatasetRecord[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const file = join(folder, `${index}.png`);
      const background = { r: 10 + index, g: 60, b: 60 };
      await sharp({ create: { width: 16, height: 12, channels: 3, background } })
        .png()
        .toFile(file);
      return { file, width: 16, height: 12, imageId: index, annotations: [] };
    }),
  );
}

/** An augmentation that changes nothing. In a thread, it blocks at the second image until a file exists. */
async function heldUp(): Promise<{
  readonly flag: string;
  readonly augmentation: Awaited<ReturnType<typeof moduleAugmentation>>;
}> {
  const flag = join(folder, 'go');
  const module = join(folder, 'held-up.mjs');
  await writeFile(
    module,
    `import { existsSync, writeFileSync } from 'node:fs';
     import { isMainThread } from 'node:worker_threads';
     export const heldUp = () => ({
       name: 'heldUp',
       decide({ image }) {
         const index = Math.min(image.data[0], image.data[1] === 60 ? 255 : 0) - 10;
         if (isMainThread) writeFileSync(${JSON.stringify(join(folder, 'main-'))} + index, '');
         else if (index === 1) while (!existsSync(${JSON.stringify(flag)})) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
         return { applyImage: (i) => i, applyBoxes: (b) => b };
       },
     });`,
  );
  return { flag, augmentation: await moduleAugmentation(pathToFileURL(module), 'heldUp') };
}

const made: DetectionLoader[] = [];
afterEach(async () => {
  for (const loader of made.splice(0)) await loader.close();
});

function make(records: readonly DatasetRecord[], options: Partial<DetectionLoaderOptions>): DetectionLoader {
  const loader = new DetectionLoader(records, {
    ...{ batchSize: 1, sampler: new InferenceSampler(records.length), random: new RandomStream(1, 'data') },
    ...options,
  });
  made.push(loader);
  return loader;
}

async function imagesOf(loader: DetectionLoader): Promise<unknown[]> {
  const images: unknown[] = [];
  for await (const batch of loader) images.push(batch.images);
  return images;
}

it('a blocked thread does not block the others: batches are made here meanwhile, equal to the bit', async () => {
  const records = await paint(5);
  const { flag, augmentation } = await heldUp();
  const augmentations = [randomFlip(), augmentation];
  const loader = make(records, { workers: 1, prefetch: 4, augmentations });
  const reading = imagesOf(loader);
  const isMadeHere = (index: number): boolean => existsSync(join(folder, `main-${index}`));
  // All batches that wait behind the one that the thread has begun, which no other thread may begin.
  while (![2, 3, 4].every(isMadeHere)) await sleep(10);
  expect(isMadeHere(1)).toBe(false);
  const isHeldUp = /^thread 1, the augmentation "heldUp" of .*1\.png$/;
  while (!isHeldUp.test(loader.waitsFor() ?? '')) await sleep(10);
  await writeFile(flag, '');
  const images = await reading;
  await loader.close();
  expect(images).toEqual(await imagesOf(make(records, { workers: 0, augmentations })));
});

const isWindows = process.platform === 'win32';
const noPipes = isWindows ? ' (skipped: Windows has no named pipes among its files)' : '';

(isWindows ? it.skip : it)(`a file that never comes is named, and closing lets go of it${noPipes}`, async () => {
  const records = await paint(2);
  const file = join(folder, 'pipe');
  // Opening a pipe without a writer blocks for ever, like a disk of a machine that is gone.
  execFileSync('mkfifo', [file]);
  const [first] = records as [DatasetRecord];
  const loader = make([first, { ...first, file }], { workers: 1 });
  const reading = imagesOf(loader).catch((error: unknown) => error);
  // Made by the thread, or here if the thread has not begun in time.
  while (loader.waitsFor()?.endsWith(`reading ${file}`) !== true) await sleep(10);
  await loader.close();
  // Lets the system thread that opens the pipe end too.
  await writeFile(file, '');
  expect(await reading).toHaveLength(1);
});

it('an image that shrinks while it is read is an error or whole, and does not end the process', async () => {
  const file = join(folder, 'large.webp');
  const [width, height] = [1200, 800];
  const noise = Buffer.from(
    Uint32Array.from({ length: (width * height * 3) / 4 }, (_, i) => Math.imul(i, 2654435761)).buffer,
  );
  await sharp(noise, { raw: { width, height, channels: 3 } })
    .webp({ lossless: true, effort: 0 })
    .toFile(file);
  const source = fileURLToPath(new URL('./decode-file.ts', import.meta.url));
  const code = `
    import { decodeFile } from ${JSON.stringify(pathToFileURL(source).href)};
    console.log('reading');
    for (let i = 0; i < 20; i++) await decodeFile(${JSON.stringify(file)}).catch((error) => { console.log(error.code); process.exit(0); });
  `;
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    TSX_TSCONFIG_PATH: fileURLToPath(new URL('../../tsconfig.sources.json', import.meta.url)),
  };
  const cwd = fileURLToPath(new URL('../../../..', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', code], { cwd, env });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  while (!said.includes('reading') && child.exitCode === null) await sleep(5);
  await sleep(100);
  await truncate(file, 1000);
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(said).toContain('HKL_IMAGE_UNREADABLE');
});
