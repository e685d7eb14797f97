import { availableParallelism } from 'node:os';
import { describeCause } from '@hookline/core';
import type { Box } from '../../records/dataset-record.ts';
import type { Dataset, ReaderOptions } from '../dataset.ts';
import { ProblemList } from '../dataset-report.ts';
import type { ImageFinder } from '../find-image.ts';
import { folderOf, stemOf } from '../folder-index.ts';
import { asNumber, asSize, type Fields, isObject } from '../json-fields.ts';
import { boxAround, NO_BOX } from '../make-dataset.ts';
import { mapLimited } from '../map-limited.ts';
import { parseJson, readText } from '../read-text.ts';
import type { DataFormat } from './data-format.ts';
import { type LabelledImage, makeLabelled } from './labelled.ts';
import { groupBySplit, roleWithFolder } from '../splits.ts';

/** LabelMe's JSON files, one for each image. */
export const labelme: DataFormat = {
  name: 'labelme',
  signs: 'JSON files with "shapes" and "imagePath", one for each image',
  detect: async ({ finder, json }) => {
    const files = json.filter(({ outline: { keys } }) => keys.has('shapes') && keys.has('imagePath'));
    if (files.length === 0) return undefined;
    return {
      format: 'labelme',
      title: 'LabelMe (a JSON file for each image)',
      splits: [...groupBySplit(files.map(({ path }) => path))].map(([name, paths]) => ({
        name,
        images: paths.length,
        source: name === 'all' ? '.' : folderOf(paths[0] ?? ''),
        read: (options) => readLabelme(finder, name, paths, options),
      })),
      remarks: [],
    };
  },
};

async function readLabelme(
  finder: ImageFinder,
  split: string,
  paths: readonly string[],
  options: Omit<ReaderOptions, 'outside'>,
): Promise<Dataset> {
  const images = await mapLimited(
    paths,
    availableParallelism() * 2,
    async (path): Promise<LabelledImage | ProblemList> => {
      const file = finder.data.at(path);
      const problems = new ProblemList();
      try {
        const fields = parseJson(await readText(file));
        if (!isObject(fields) || !Array.isArray(fields['shapes'])) throw new Error('it has no list "shapes"');
        const { imagePath, imageWidth, imageHeight, shapes } = fields;
        return {
          imageId: stemOf(path),
          name: typeof imagePath === 'string' && imagePath !== '' ? imagePath : undefined,
          hints: { folders: [folderOf(path)], role: roleWithFolder(finder.data, path), stem: stemOf(path) },
          stated: { width: asSize(imageWidth), height: asSize(imageHeight) },
          source: file,
          unit: 'pixel',
          problems,
          objects: (shapes as unknown[]).map((shape, place) => readShape(isObject(shape) ? shape : {}, place)),
        };
      } catch (error) {
        problems.add('image', 'annotation-unreadable', file, `it cannot be read: ${describeCause(error)}`);
        return problems;
      }
    },
  );
  return makeLabelled(
    { source: split === 'all' ? finder.data.root : finder.data.at(folderOf(paths[0] ?? '')), images, finder },
    options,
  );
}

function readShape({ label, points, shape_type: type }: Fields, place: number): LabelledImage['objects'][number] {
  const kind = typeof type === 'string' ? type : 'polygon';
  return {
    label: typeof label === 'string' && label.trim() !== '' ? label.trim() : undefined,
    box: boxOf(kind, Array.isArray(points) ? (points as unknown[]) : []),
    what: `shape ${place + 1} (${kind})`,
  };
}

/** The box of a shape. A point or a straight line has an empty box, which the box check reports. */
function boxOf(kind: string, points: readonly unknown[]): Box {
  const numbers = points.flat().map((value) => asNumber(value) ?? NaN);
  if (numbers.length < 2 || numbers.length % 2 === 1) return NO_BOX;
  if (kind !== 'circle') return boxAround(numbers);
  const [x = NaN, y = NaN, edgeX = NaN, edgeY = NaN] = numbers;
  const radius = Math.hypot(edgeX - x, edgeY - y);
  return [x - radius, y - radius, x + radius, y + radius];
}
