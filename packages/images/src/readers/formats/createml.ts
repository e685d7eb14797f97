import type { Box } from '../../records/dataset-record.ts';
import type { Dataset, ReaderOptions } from '../dataset.ts';
import { ProblemList } from '../dataset-report.ts';
import type { ImageFinder } from '../find-image.ts';
import { folderOf } from '../folder-index.ts';
import { asNumber, type Fields, isObject } from '../json-fields.ts';
import { NO_BOX } from '../make-dataset.ts';
import { readJson } from '../read-text.ts';
import type { DataFormat } from './data-format.ts';
import { type LabelledImage, makeLabelled } from './labelled.ts';
import { roleWithFolder, splitPerFile } from '../splits.ts';

/** CreateML's JSON: a list of images with the centre and size of each box in pixels. */
export const createml: DataFormat = {
  name: 'createml',
  signs: 'a JSON file that lists { image, annotations: [{ label, coordinates }] }',
  detect: async ({ finder, json }) => {
    const files = json.filter(
      ({ outline: { root, inner } }) =>
        root === 'array' &&
        (inner.has('image') || inner.has('imagefilename')) &&
        (inner.has('annotations') || inner.has('annotation')),
    );
    if (files.length === 0) return undefined;
    const paths = files.map(({ path }) => path);
    return {
      format: 'createml',
      title: 'CreateML',
      splits: splitPerFile(paths, (path, options) => readCreateml(finder, path, options)),
      remarks: [],
    };
  },
};

async function readCreateml(
  finder: ImageFinder,
  path: string,
  options: Omit<ReaderOptions, 'outside'>,
): Promise<Dataset> {
  const file = finder.data.at(path);
  const list = await readList(file);
  const images = list.map((entry, place): LabelledImage | ProblemList => {
    const problems = new ProblemList();
    const { image, imagefilename, annotations, annotation } = isObject(entry) ? entry : {};
    const name = [image, imagefilename].find((each): each is string => typeof each === 'string' && each !== '');
    const objects = annotations ?? annotation;
    if (name === undefined || !Array.isArray(objects)) {
      problems.add('image', 'image-invalid', file, `entry ${place} needs "image" and "annotations"`);
      return problems;
    }
    return {
      imageId: name,
      name,
      hints: { folders: [folderOf(path), ''], role: roleWithFolder(finder.data, path) },
      stated: undefined,
      unit: 'pixel',
      problems,
      objects: (objects as unknown[]).map((object, number) => readObject(isObject(object) ? object : {}, number)),
    };
  });
  return makeLabelled({ source: file, images, finder }, options);
}

const readList = (file: string): Promise<unknown[]> =>
  readJson(file, (parsed) => (Array.isArray(parsed) ? (parsed as unknown[]) : undefined), {
    absence: 'it holds no list',
    fix: 'Give a list of { image, annotations: [{ label, coordinates: { x, y, width, height } }] }',
  });

function readObject({ label, coordinates }: Fields, place: number): LabelledImage['objects'][number] {
  const what = `annotation ${place + 1}`;
  const fields = isObject(coordinates) ? coordinates : {};
  const [x = NaN, y = NaN, width = NaN, height = NaN] = ['x', 'y', 'width', 'height'].map(
    (key) => asNumber(fields[key]) ?? NaN,
  );
  const box: Box = isObject(coordinates) ? [x - width / 2, y - height / 2, x + width / 2, y + height / 2] : NO_BOX;
  return { label: typeof label === 'string' && label !== '' ? label : undefined, box, what };
}
