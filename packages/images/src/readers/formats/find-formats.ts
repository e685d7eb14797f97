import { stat } from 'node:fs/promises';
import { basename, dirname, posix, relative, resolve, sep } from 'node:path';
import { assertKnownOptions, describeCause, HooklineError, type OptionNames } from '@hookline/core';
import { count } from '../dataset-report.ts';
import { ImageFinder } from '../find-image.ts';
import { isPicture } from '../folder-index.ts';
import { mapLimited } from '../map-limited.ts';
import { outlineJson, readTextHead } from '../read-text.ts';
import { coco } from './coco.ts';
import { createml } from './createml.ts';
import type { DataFormat, FolderContents, FormatName, FoundFormat } from './data-format.ts';
import { labelme } from './labelme.ts';
import { openImages } from './open-images.ts';
import { mainSplits } from '../splits.ts';
import { via } from './via.ts';
import { voc } from './voc.ts';
import { yolo } from './yolo.ts';

const FORMATS: readonly DataFormat[] = [yolo, coco, voc, openImages, labelme, via, createml];

/** Options of {@link findFormats}. */
export interface FindFormatsOptions {
  /** The only format to look for; `auto` looks for all. @default 'auto' */
  readonly format?: FormatName | 'auto';
  /** Folder of the images, relative to the data's folder. @default where the format puts them, or anywhere in the folder */
  readonly images?: string;
  /** Folders outside the data's folder from which images may also be read. @default none */
  readonly outside?: readonly string[];
}

/** Names of {@link FindFormatsOptions}. */
const FIND_FORMATS_OPTIONS = {
  format: true,
  images: true,
  outside: true,
} as const satisfies OptionNames<FindFormatsOptions>;

/** The formats found in a folder of data. */
export interface FoundFormats {
  readonly root: string;
  readonly found: readonly FoundFormat[];
  /** Returns the only format. @throws HooklineError `HKL_DATA_FORMAT` when there is none, or more than one */
  readonly only: () => FoundFormat;
}

/** Number of bytes that are read from the start of a JSON file to recognise it; the keys of most files are within them. */
const HEAD = 1 << 18;
/** The maximum number of other splits named beside the main ones. */
const NAMED = 3;
/** JSON files of a folder that are inspected before the rest is assumed to be alike. */
const LOOKED_AT = 8;

/**
 * Detects the format of the data in a folder: YOLO, COCO, Pascal VOC, Open Images, LabelMe, VGG Image Annotator or
 * CreateML.
 *
 * @param root the folder, or YOLO's `data.yaml`
 * @throws HooklineError `HKL_DATA_ROOT` when there is no such folder or it cannot be read
 */
export async function findFormats(root: string, options: FindFormatsOptions = {}): Promise<FoundFormats> {
  assertKnownOptions('findFormats', options, FIND_FORMATS_OPTIONS);
  const { format = 'auto', images, outside = [] } = options;
  const isYaml = /\.ya?ml$/i.test(root);
  await assertThere(root, isYaml);
  const folder = isYaml ? dirname(root) : root;
  const contents = await lookInto(folder, { images, outside, yaml: isYaml ? basename(root) : undefined }).catch(
    (cause: unknown) => {
      throw new HooklineError('HKL_DATA_ROOT', `it cannot be searched: ${describeCause(cause)}`, {
        who: resolve(folder),
        fix: 'Give its files and folders the permission to be read, or name a folder in which all can be read',
        cause,
      });
    },
  );
  const asked = FORMATS.filter(({ name }) => name === (isYaml ? 'yolo' : format) || (format === 'auto' && !isYaml));
  const detect = (formats: readonly DataFormat[]) => Promise.all(formats.map(async (each) => each.detect(contents)));
  const results = await detect(asked);
  const found = results.filter(isFound);
  const why = results.flatMap((result) => (typeof result === 'string' ? [result] : []));
  const isNothing = found.length === 0 && why.length === 0;
  const others = isNothing ? (await detect(FORMATS.filter((each) => !asked.includes(each)))).filter(isFound) : [];
  return {
    root: folder,
    found,
    only: () => {
      const [first, ...more] = found;
      if (first === undefined && others.length > 0) throw unlike(folder, asked, others);
      if (first === undefined) throw nothing(folder, contents, asked, why);
      if (more.length > 0) throw several(folder, found);
      return first;
    },
  };
}

/** Describes what was found in one line: `YOLO (data.yaml), 2 splits: train 200 images, val 30 images`. */
export function describeFormat({ title, splits: all }: FoundFormat): string {
  const splits = mainSplits(all);
  const sizeOf = ({ images, source }: FoundFormat['splits'][number]): string =>
    images === undefined ? source : count(images, 'image');
  const others = all.filter((split) => !splits.includes(split)).map(({ name }) => name);
  const rest = others.length > NAMED ? ` and ${others.length - NAMED} more` : '';
  const more = others.length === 0 ? '' : `; also ${others.slice(0, NAMED).join(', ')}${rest}`;
  const [only] = splits;
  if (splits.length === 1 && only?.name === 'all') return `${title}: ${sizeOf(only)}${more}`;
  const list = splits.map((split) =>
    split.images === undefined ? `${split.name} (${split.source})` : `${split.name} ${sizeOf(split)}`,
  );
  return `${title}, ${count(splits.length, 'split')}: ${list.join(', ')}${more}`;
}

async function assertThere(root: string, isYaml: boolean): Promise<void> {
  const found = root === '' ? undefined : await stat(root).catch(() => undefined);
  if (isYaml ? found?.isFile() === true : found?.isDirectory() === true) return;
  throw new HooklineError('HKL_DATA_ROOT', found === undefined ? 'there is no such folder' : 'it is not a folder', {
    who: resolve(root),
    fix: 'Name the folder of the data, in the format of YOLO, COCO, Pascal VOC, Open Images, LabelMe, VIA or CreateML',
  });
}

async function lookInto(
  root: string,
  { images, outside, yaml }: { images: string | undefined; outside: readonly string[]; yaml: string | undefined },
): Promise<FolderContents> {
  const finder = await ImageFinder.of(root, images === undefined ? outside : [resolve(root, images), ...outside]);
  const { data } = finder;
  const folders = new Map<string, string[]>();
  for (const file of data.files) {
    if (!/\.json$/i.test(file)) continue;
    const folder = posix.dirname(file);
    folders.set(folder, [...(folders.get(folder) ?? []), file]);
  }
  const json: FolderContents['json'][number][] = [];
  for (const files of folders.values()) {
    const first = await mapLimited(files.slice(0, LOOKED_AT), LOOKED_AT, async (path) =>
      outlineOf(data.at(path), path),
    );
    const [model] = first;
    // Formats with one JSON file per image may have very many files, so the first ones stand for the rest.
    const areAlike = model !== undefined && first.every(({ outline }) => outline.keys.has('shapes'));
    const rest = files.slice(LOOKED_AT);
    json.push(...first);
    json.push(
      ...(areAlike
        ? rest.map((path) => ({ ...model, path }))
        : await mapLimited(rest, LOOKED_AT, async (path) => outlineOf(data.at(path), path))),
    );
  }
  const csv = data.files.filter((file) => /\.csv$/i.test(file));
  const tables = await mapLimited(csv, LOOKED_AT, async (path) => ({ path, columns: await columnsOf(data.at(path)) }));
  const stated = images === undefined ? undefined : relative(root, resolve(root, images)).split(sep).join('/');
  return { finder, images: stated, yaml, json, tables };
}

async function outlineOf(file: string, path: string): Promise<FolderContents['json'][number]> {
  const head = await readTextHead(file, HEAD);
  return { path, outline: outlineJson(head), whole: head.length < HEAD / 4 };
}

async function columnsOf(file: string): Promise<string[]> {
  const line = (await readTextHead(file, 4096)).replace(/^\uFEFF/, '').split(/\r?\n/)[0] ?? '';
  const { parse } = await import('csv-parse/sync');
  try {
    const rows: readonly string[][] = parse(line, { trim: true });
    return rows[0] ?? [];
  } catch {
    return [];
  }
}

/** Formats that cannot be read: a pattern of their files, their name, and what to do about them. */
const FOREIGN: readonly (readonly [RegExp, string, string])[] = [
  [/\.parquet$/i, 'Parquet files, as of Hugging Face', 'write the images to files and the boxes as COCO JSON'],
  [/\.(tfrecords?|record)$/i, 'TFRecord files', 'export the data as COCO or YOLO'],
  [/\.mat$/i, 'MATLAB files', 'write the boxes as COCO JSON'],
  [/\.jsonl$/i, 'JSON Lines', 'write the boxes as COCO JSON: one object with "images", "annotations" and "categories"'],
  [/\.zip$|\.tar(\.\w+)?$|\.7z$/i, 'archives', 'unpack them'],
];

function nothing(
  root: string,
  contents: FolderContents,
  asked: readonly DataFormat[],
  why: readonly string[],
): HooklineError {
  const { files, outside } = contents.finder.data;
  const pictures = files.filter(isPicture).length;
  const foreign = FOREIGN.find(([pattern]) => files.some((file) => pattern.test(file)));
  const results = contents.json.find(
    ({ outline: { root: kind, inner } }) => kind === 'array' && inner.has('image_id') && inner.has('score'),
  );
  const known = `The known formats are:${asked.map(({ name, signs }) => `\n  ${name}: ${signs}`).join('')}`;
  const [link] = outside;
  const near =
    why.length > 0
      ? why.join('; ')
      : link !== undefined
        ? `${link[0]} is a link to ${link[1]}, outside of the folder; to allow it, name that folder in data.outside`
        : results !== undefined
          ? `${results.path} holds detections, not annotations`
          : foreign !== undefined
            ? `it has ${foreign[1]}: ${foreign[2]}`
            : files.length === 0
              ? 'it is empty'
              : pictures > 0
                ? `it has ${count(pictures, 'image')} but no annotations. If they are in the folder above, name that: ${dirname(resolve(root))}`
                : `it has ${count(files.length, 'file')}, none in a known format`;
  return new HooklineError('HKL_DATA_FORMAT', `no annotations were found: ${near}`, { who: root, fix: known });
}

function several(root: string, found: readonly FoundFormat[]): HooklineError {
  return new HooklineError('HKL_DATA_FORMAT', `it can be read as ${listed(found)}`, {
    who: root,
    fix: `Choose one: --set ${choice(found, 'data.format=')} (\`hookline data\`: --format ${choice(found)})`,
  });
}

/** The error for a folder whose data are in other formats than the one that was asked for. */
function unlike(root: string, asked: readonly DataFormat[], found: readonly FoundFormat[]): HooklineError {
  const formats = asked.map(({ name }) => name).join(', ');
  return new HooklineError(
    'HKL_DATA_FORMAT',
    `it has no annotations of the format ${formats}; it can be read as ${listed(found)}`,
    {
      who: root,
      fix: `Ask for that: --set ${choice(found, 'data.format=')} (\`hookline data\`: --format ${choice(found)})`,
    },
  );
}

const isFound = (result: FoundFormat | string | undefined): result is FoundFormat => typeof result === 'object';

const listed = (found: readonly FoundFormat[]): string => found.map(describeFormat).join(', and as ');

const choice = (found: readonly FoundFormat[], prefix = ''): string =>
  found.map(({ format }) => prefix + format).join(' or ');
