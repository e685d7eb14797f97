import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DatasetRecord, type Logger, RandomStream, writeCoco, writePicture } from 'hookline';
import { composeScene, type SceneOptions } from './compose-scene.ts';
import { OUTLINES } from './outlines.ts';
import { isDrawn, makeStamp, STAMP } from './stamp.ts';

/** Numbers of scenes and their seed. */
export interface DrawOptions {
  readonly train: number;
  readonly test: number;
  /** Each seed gives different scenes. Training and test scenes of the same seed differ too. */
  readonly seed: number;
}

/** The options of every scene; sizes are in pixels. */
export const SCENE: SceneOptions = { width: 256, height: 192, objects: [3, 7], radius: [15, 52] };

/** How many pictures other threads compress while more are drawn. */
const AT_ONCE = 8;

/** Paths of the annotation files in COCO's format. The images are in folders next to them. */
export interface DrawnFiles {
  readonly train: string;
  readonly test: string;
}

/**
 * Draws scenes into a folder, as `train/*.jpg` and `test/*.jpg` with `train.json` and `test.json` in COCO's format.
 * Does nothing if the folder already holds the drawing of the same options and code.
 */
export async function drawScenes(root: string, options: DrawOptions, logger: Logger): Promise<DrawnFiles> {
  const files = { train: join(root, 'train.json'), test: join(root, 'test.json') };
  const stamp = await makeStamp({ ...options, ...SCENE });
  if (await isDrawn(root, stamp)) return files;
  const began = performance.now();
  const total = options.train + options.test;
  logger.info(`drawing:    ${total} scenes with ${OUTLINES.length} classes into ${root}`);
  // Remove the stamp first, so that an interrupted drawing does not pass for a complete one.
  await rm(join(root, STAMP), { force: true });
  let drawn = 0;
  for (const split of ['train', 'test'] as const) {
    const folder = join(root, split);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const records = await drawSplit(folder, options[split], new RandomStream(options.seed, split), () => {
      drawn++;
      logger.status(`drawing scenes: ${drawn} of ${total}`);
    });
    const classes = OUTLINES.map(({ name }) => name);
    const metadata = {
      classes,
      categoryIds: classes.map((_, place) => place + 1),
      evaluator: 'coco',
      source: root,
    } as const;
    await writeCoco(files[split], { records, metadata }, { images: root });
  }
  await writeFile(join(root, STAMP), stamp);
  logger.status(undefined);
  logger.info(`drawn:      in ${((performance.now() - began) / 1000).toFixed(1)} s; kept until something changes`);
  return files;
}

async function drawSplit(
  folder: string,
  count: number,
  random: RandomStream,
  tell: () => void,
): Promise<DatasetRecord[]> {
  const records: DatasetRecord[] = [];
  const writing = new Set<Promise<void>>();
  let id = 0;
  for (let number = 1; number <= count; number++) {
    const { pixels, objects } = composeScene(random.detached(String(number)), SCENE);
    const file = join(folder, `${String(number).padStart(4, '0')}.jpg`);
    const { width, height } = SCENE;
    const written = writePicture(file, { data: pixels, width, height, channels: 3 }).then(() => {
      writing.delete(written);
      tell();
    });
    writing.add(written);
    if (writing.size >= AT_ONCE) await Promise.race(writing);
    const annotations = objects.map((object) => ({ id: ++id, iscrowd: 0 as const, ...object }));
    records.push({ file, width, height, imageId: number, annotations });
  }
  await Promise.all(writing);
  return records;
}
