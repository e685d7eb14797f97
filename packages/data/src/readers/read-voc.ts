import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { describeCause, HooklineError } from '@hookline/core';
import type { DatasetAnnotation, DatasetRecord } from '../catalog/dataset-record.ts';
import { checkBox } from './check-box.ts';
import { checkImage } from './check-image.ts';
import type { Dataset, ReaderOptions } from './dataset.ts';
import { count, ProblemList } from './dataset-report.ts';
import { asSize } from './json-fields.ts';
import { mapLimited } from './map-limited.ts';
import { parseVoc, type VocFile } from './parse-voc.ts';

/** Options of {@link readVoc}. */
export interface ReadVocOptions extends ReaderOptions {
  /** Folder that holds `Annotations` and `JPEGImages`. */
  readonly root: string;
  /** Reads the names in `ImageSets/Main/SPLIT.txt`. Default: every file of the annotations' folder. */
  readonly split?: string;
  /** Default `Annotations`, below `root`. */
  readonly annotations?: string;
  /** Default `JPEGImages`, below `root`. */
  readonly images?: string;
  /** Names of the classes, in order; other names are dropped. Default: every name in the files, sorted. */
  readonly classes?: readonly string[];
  /** What the file calls the leftmost pixel: 1 by the format's definition, 0 for many tools. @default 1 */
  readonly firstPixel?: 0 | 1;
}

interface Parsed {
  readonly name: string;
  readonly file: string;
  readonly voc: VocFile | undefined;
  readonly problems: ProblemList;
}

/**
 * Reads a data set in the format of Pascal VOC. Image ids are the names in the split, without extension. A box covers
 * its last pixel, so its right edge is `xmax`, and its left edge `xmin - firstPixel`.
 *
 * @throws HooklineError `HKL_DATASET_UNREADABLE` when the split or the folder cannot be read, `HKL_DATASET_INVALID`
 * with `strict` when anything would be dropped or changed
 */
export async function readVoc(options: ReadVocOptions): Promise<Dataset> {
  const { root, split, checkImages = 'decode', strict, firstPixel = 1 } = options;
  const source = split === undefined ? root : join(root, 'ImageSets', 'Main', `${split}.txt`);
  const all = new ProblemList();
  const listed = await listNames(options);
  const names = new Set<string>();
  for (const name of listed) {
    if (names.has(name)) all.add('image', 'duplicate-image-id', source, `it lists "${name}" again; it is read once`);
    names.add(name);
  }
  const folder = join(root, options.images ?? 'JPEGImages');
  const parallel = availableParallelism() * 2;
  const parsed = await mapLimited([...names], parallel, (name) => parseOne(options, name));
  const classes = options.classes ?? classesOf(parsed);
  const records = await mapLimited(parsed, parallel, async ({ name, file, voc, problems }) => {
    if (voc === undefined) return undefined;
    const image = join(folder, voc.filename ?? `${name}.jpg`);
    const size = await checkImage(
      image,
      { width: asSize(voc.width), height: asSize(voc.height) },
      checkImages,
      problems,
    );
    if (size !== undefined) return makeRecord(name, image, file, voc, size, classes, firstPixel, problems);
    if (voc.objects.length > 0)
      problems.add(
        'annotation',
        'annotation-orphaned',
        file,
        `${count(voc.objects.length, 'object')} went with the image`,
      );
    return undefined;
  });
  for (const { problems } of parsed) all.problems.push(...problems.problems);
  if (strict === true) all.refuse(source);
  // Ids of objects are their numbers in the whole data set, since VOC has none.
  let id = 0;
  const kept = records.flatMap((record) => {
    if (record === undefined) return [];
    return [{ ...record, annotations: record.annotations.map((each) => ({ ...each, id: ++id })) }];
  });
  const metadata = { classes, categoryIds: classes.map((_, index) => index + 1), evaluator: 'voc', source } as const;
  const annotations = parsed.reduce((sum, { voc }) => sum + (voc?.objects.length ?? 0), 0);
  const report = { source, images: listed.length, annotations, keptImages: kept.length, keptAnnotations: id };
  return { records: kept, metadata, report: { ...report, problems: all.problems } };
}

async function listNames({ root, split, annotations = 'Annotations' }: ReadVocOptions): Promise<string[]> {
  const path = split === undefined ? join(root, annotations) : join(root, 'ImageSets', 'Main', `${split}.txt`);
  try {
    if (split === undefined)
      return (await readdir(path))
        .filter((file) => file.endsWith('.xml'))
        .map((file) => file.slice(0, -4))
        .sort();
    const lines = (await readFile(path, 'utf8')).split('\n');
    // Files of one class have a second column: 1, 0 or -1.
    return lines.map((line) => line.trim().split(/\s+/)[0] ?? '').filter((name) => name !== '');
  } catch (cause) {
    throw new HooklineError('HKL_DATASET_UNREADABLE', `it cannot be read: ${describeCause(cause)}`, {
      who: path,
      fix: 'Give as `root` the folder with Annotations, JPEGImages and, for a `split`, ImageSets/Main',
      cause,
    });
  }
}

async function parseOne({ root, annotations = 'Annotations' }: ReadVocOptions, name: string): Promise<Parsed> {
  const file = join(root, annotations, `${name}.xml`);
  const problems = new ProblemList();
  try {
    return { name, file, voc: await parseVoc(await readFile(file, 'utf8')), problems };
  } catch (error) {
    const isMissing = (error as { readonly code?: unknown }).code === 'ENOENT';
    const message = isMissing ? 'there is no such file' : `it cannot be read: ${describeCause(error)}`;
    problems.add('image', 'annotation-unreadable', file, message);
    return { name, file, voc: undefined, problems };
  }
}

function classesOf(parsed: readonly Parsed[]): string[] {
  const names = parsed.flatMap(({ voc }) => voc?.objects.flatMap(({ name }) => name ?? []) ?? []);
  return [...new Set(names)].sort();
}

function makeRecord(
  name: string,
  image: string,
  file: string,
  { objects }: VocFile,
  size: Pick<DatasetRecord, 'width' | 'height' | 'orient'>,
  classes: readonly string[],
  firstPixel: 0 | 1,
  problems: ProblemList,
): DatasetRecord {
  const annotations = objects.flatMap(({ name: label, difficult, box }, place): DatasetAnnotation[] => {
    const what = `object ${place + 1}`;
    const category = label === undefined ? -1 : classes.indexOf(label);
    if (category < 0) {
      problems.add('annotation', 'category-unknown', file, `${what}: "${label ?? ''}" is not one of the classes`);
      return [];
    }
    const [xmin, ymin, xmax, ymax] = box;
    // By the numbers of the file: xmin = xmax would be a box of one pixel's width, but is what faulty tools write.
    const empty = xmax <= xmin || ymax <= ymin;
    const edges = empty ? box : ([xmin - firstPixel, ymin - firstPixel, xmax, ymax] as const);
    const clipped = checkBox(edges, size, `${what}: box [${box.join(', ')}]`, file, problems);
    if (clipped === undefined) return [];
    const area = (clipped[2] - clipped[0]) * (clipped[3] - clipped[1]);
    return [{ id: 0, box: clipped, category, iscrowd: 0, area, ...(difficult ? { difficult } : {}) }];
  });
  return { file: image, ...size, imageId: name, annotations };
}
