import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConsoleLogger, readCoco } from 'hookline';
import { drawScenes } from './draw-scenes.ts';
import { OUTLINES } from './outlines.ts';

const QUIET = new ConsoleLogger({ level: 'silent' });

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

it('writes data sets that the COCO reader accepts without problems', async () => {
  const { train, test } = await drawScenes(folder, { train: 6, test: 3, seed: 1 }, QUIET);
  const [learnt, held] = [await readCoco({ json: train, strict: true }), await readCoco({ json: test, strict: true })];
  expect([learnt.report.problems, held.report.problems]).toEqual([[], []]);
  expect([learnt.records.length, held.records.length]).toEqual([6, 3]);
  expect(learnt.metadata.classes).toEqual(OUTLINES.map(({ name }) => name));
  expect(held.metadata.classes).toEqual(learnt.metadata.classes);
  const counts = learnt.records.map(({ annotations }) => annotations.length);
  expect(Math.min(...counts)).toBeGreaterThan(0);
  // No test picture is also a training picture.
  const bytes = await Promise.all([...learnt.records, ...held.records].map(({ file }) => readFile(file, 'base64')));
  expect(new Set(bytes).size).toBe(9);
});

it('draws again only if something has changed or drawing was interrupted', async () => {
  const few = { train: 2, test: 1, seed: 1 };
  const { train } = await drawScenes(folder, few, QUIET);
  const image = join(folder, 'train', '0001.jpg');
  const [first, drawnAt] = [await readFile(image), (await stat(train)).mtimeMs];
  await drawScenes(folder, few, QUIET);
  expect((await stat(train)).mtimeMs).toBe(drawnAt);

  await drawScenes(folder, { ...few, seed: 2 }, QUIET);
  expect((await readFile(image)).equals(first)).toBe(false);
  await drawScenes(folder, few, QUIET);
  expect((await readFile(image)).equals(first)).toBe(true);

  await writeFile(image, 'half of a');
  await rm(join(folder, 'drawn.json'));
  await drawScenes(folder, few, QUIET);
  expect((await readFile(image)).equals(first)).toBe(true);
});
