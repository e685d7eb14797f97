import type { Box } from '../../records/dataset-record.ts';
import type { Dataset, ReaderOptions } from '../dataset.ts';
import { ProblemList } from '../dataset-report.ts';
import type { ImageFinder } from '../find-image.ts';
import { folderOf } from '../folder-index.ts';
import { asNumber, type Fields, isObject } from '../json-fields.ts';
import { boxAround, NO_BOX } from '../make-dataset.ts';
import { type JsonOutline, readJson } from '../read-text.ts';
import type { DataFormat } from './data-format.ts';
import { type LabelledImage, makeLabelled } from './labelled.ts';
import { roleWithFolder, splitPerFile } from '../splits.ts';

const isVia = ({ root, keys, inner }: JsonOutline): boolean =>
  root === 'object' && (keys.has('_via_img_metadata') || (inner.has('filename') && inner.has('regions')));

/** Names of the attribute that holds a region's class, in order of preference. */
const CLASS_NAMES = ['class', 'label', 'name', 'type', 'category', 'object'];
/** The class of all regions when none has an attribute. */
const NAMELESS = 'object';

/** JSON of the VGG Image Annotator, version 2 or 1: a project, or only its annotations. */
export const via: DataFormat = {
  name: 'via',
  signs: 'the VGG Image Annotator\'s JSON file, with "filename" and "regions"',
  detect: async ({ finder, json }) => {
    const paths = json.filter(({ outline }) => isVia(outline)).map(({ path }) => path);
    if (paths.length === 0) {
      const third = json.find(
        ({ outline: { keys } }) => keys.has('project') && keys.has('view') && keys.has('metadata'),
      );
      if (third === undefined) return undefined;
      return `${third.path} is a project of the VGG Image Annotator 3, which is not read; export it as COCO there`;
    }
    return {
      format: 'via',
      title: 'VGG Image Annotator',
      splits: splitPerFile(paths, (path, options) => readVia(finder, path, options)),
      remarks: [],
    };
  },
};

async function readVia(finder: ImageFinder, path: string, options: Omit<ReaderOptions, 'outside'>): Promise<Dataset> {
  const file = finder.data.at(path);
  const entries = await readEntries(file);
  const all = entries.map((entry) => regionsOf(isObject(entry) ? entry : {}));
  const attribute = classAttribute(all.flat());
  const problems = new ProblemList();
  if (attribute === undefined && all.flat().length > 0)
    problems.add(
      'note',
      'category-unknown',
      file,
      `no region has an attribute that names its class: all are called "${NAMELESS}"`,
    );
  const images = entries.map((entry, place): LabelledImage | ProblemList => {
    const own = new ProblemList();
    const { filename } = isObject(entry) ? entry : {};
    if (typeof filename !== 'string' || filename === '') {
      own.add('image', 'image-invalid', file, `entry ${place} has no "filename"`);
      return own;
    }
    return {
      imageId: filename,
      name: filename,
      hints: { folders: [folderOf(path), ''], role: roleWithFolder(finder.data, path) },
      stated: undefined,
      unit: 'pixel',
      problems: own,
      objects: (all[place] ?? []).map((region, number) => readRegion(region, number, attribute)),
    };
  });
  return makeLabelled({ source: file, images, finder, problems }, options);
}

function readEntries(file: string): Promise<unknown[]> {
  const pick = (parsed: unknown): unknown[] | undefined => {
    const map = isObject(parsed) ? (parsed['_via_img_metadata'] ?? parsed) : undefined;
    return isObject(map) ? Object.values(map) : undefined;
  };
  return readJson(file, pick, {
    absence: 'it holds no object',
    fix: "Save the annotator's annotations as JSON once more",
  });
}

/** The regions of an image: a list, or in version 1 an object keyed by number. */
function regionsOf({ regions }: Fields): Fields[] {
  const list = Array.isArray(regions) ? (regions as unknown[]) : isObject(regions) ? Object.values(regions) : [];
  return list.map((region) => (isObject(region) ? region : {}));
}

const childOf = (fields: Fields, key: string): Fields => {
  const child = fields[key];
  return isObject(child) ? child : {};
};

/** The attribute that holds the class: the first of CLASS_NAMES that exists, else the one that most regions have. */
function classAttribute(regions: readonly Fields[]): string | undefined {
  const counts = new Map<string, number>();
  for (const region of regions)
    for (const key of Object.keys(childOf(region, 'region_attributes'))) counts.set(key, (counts.get(key) ?? 0) + 1);
  const named = CLASS_NAMES.map((name) => [...counts.keys()].find((key) => key.toLowerCase() === name));
  return named.find((key) => key !== undefined) ?? [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

function readRegion(region: Fields, place: number, attribute: string | undefined): LabelledImage['objects'][number] {
  const shape = childOf(region, 'shape_attributes');
  const kind = typeof shape['name'] === 'string' ? shape['name'] : 'without a name';
  const value = attribute === undefined ? NAMELESS : childOf(region, 'region_attributes')[attribute];
  // Checkboxes are stored as an object in which the set ones are true.
  const chosen = isObject(value) ? Object.keys(value).find((key) => value[key] === true) : value;
  const label = typeof chosen === 'string' ? chosen.trim() : typeof chosen === 'number' ? String(chosen) : '';
  return { label: label === '' ? undefined : label, box: boxOf(kind, shape), what: `region ${place + 1} (${kind})` };
}

function boxOf(kind: string, shape: Fields): Box {
  const get = (key: string): number => asNumber(shape[key]) ?? NaN;
  if (kind === 'rect') return [get('x'), get('y'), get('x') + get('width'), get('y') + get('height')];
  if (kind === 'circle' || kind === 'ellipse') {
    const [across, down] = kind === 'circle' ? [get('r'), get('r')] : [get('rx'), get('ry')];
    return [get('cx') - across, get('cy') - down, get('cx') + across, get('cy') + down];
  }
  const [x, y] = [shape['all_points_x'], shape['all_points_y']];
  if (Array.isArray(x) && Array.isArray(y) && x.length > 0 && x.length === y.length)
    return boxAround(x.flatMap((value, place) => [asNumber(value) ?? NaN, asNumber(y[place]) ?? NaN]));
  return kind === 'point' ? [get('cx'), get('cy'), get('cx'), get('cy')] : NO_BOX;
}
