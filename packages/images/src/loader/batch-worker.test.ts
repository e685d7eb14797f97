import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';

const run = promisify(execFile);
const PACKAGE = resolve(import.meta.dirname, '../..');
const ROOT = resolve(PACKAGE, '../..');
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');

let file: string;
beforeAll(async () => {
  file = join(temporaryFolder(), 'a.png');
  await sharp({ create: { width: 12, height: 8, channels: 3, background: 'red' } })
    .png()
    .toFile(file);
});
afterAll(() => rm(resolve(file, '..'), { recursive: true }));

/** Takes a batch and exits without closing anything: idle threads must not keep the process alive. */
const program = (index: string): string => `
  import { DetectionLoader, randomFlip } from ${JSON.stringify(index)};
  const record = { file: ${JSON.stringify(file)}, width: 12, height: 8, imageId: 1, annotations: [] };
  const loader = new DetectionLoader([record], { batchSize: 2, workers: 1, augmentations: [randomFlip()] });
  const { value } = await loader[Symbol.asyncIterator]().next();
  const { decoded, mappedIn, restarts } = loader.stats();
  console.log(JSON.stringify({ shape: value.images.shape, red: value.images.data[0], read: decoded > 0, mappedIn, restarts }));`;

async function take(index: string, ...flags: string[]): Promise<unknown> {
  const args = [...flags, '--input-type=module', '--eval', program(index)];
  const { stdout, stderr } = await run(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

const expected = { shape: [2, 8, 12, 3], red: 255, read: true, mappedIn: 'threads', restarts: 0 };

it('starts from the sources under tsx', async () => {
  const index = pathToFileURL(join(PACKAGE, 'src/index.ts')).href;
  expect(await take(index, '--import', 'tsx')).toEqual(expected);
});

it('starts from the build, which is what is packed', async () => {
  // The exit status counts the type errors of tests too.
  await run(process.execPath, [TSC, '-b', PACKAGE]).catch(() => undefined);
  expect(await take('@hookline/images')).toEqual(expected);
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json'], { cwd: PACKAGE });
  const [packed] = JSON.parse(stdout) as { files: { path: string }[] }[];
  const paths = packed!.files.map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(['dist/loader/batch-worker.mjs', 'dist/loader/serve-batches.js']));
  expect(paths.filter((path) => /\.test\.|tsbuildinfo/.test(path))).toEqual([]);
});
