import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Dataset, type DatasetRecord, type FormatName, readVoc, writeCoco } from '@hookline/images';
import { drawSquares } from './draw-squares.ts';
import { withTemporaryFolder } from './temporary-folder.ts';

/** Text files by path. */
type Files = Record<string, string>;

/** Draws the squares of {@link drawSquares} in another format, with splits `train` (12 images) and `val` (4), in the usual layout of that format. */
export async function drawSquaresAs(format: FormatName, root: string): Promise<void> {
  await withTemporaryFolder(async (drawn) => {
    await drawSquares(drawn);
    for (const [split, list] of [
      ['train', 'trainval'],
      ['val', 'test'],
    ] as const) {
      const set = await readVoc({ root: drawn, split: list });
      const { folder, files } = WRITERS[format](set, split);
      for (const { file } of set.records) {
        await mkdir(join(root, folder), { recursive: true });
        await copyFile(file, join(root, folder, basename(file)));
      }
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(root, path)), { recursive: true });
        await writeFile(join(root, path), text);
      }
      if (format !== 'coco') continue;
      const json = join(root, 'annotations', `instances_${split}2017.json`);
      await mkdir(dirname(json), { recursive: true });
      await writeCoco(json, set, { images: join(drawn, 'JPEGImages') });
    }
  });
}

/** Where the images of a split are, and the files beside them. */
type Writer = (set: Dataset, split: string) => { readonly folder: string; readonly files: Files };

const stem = ({ file }: DatasetRecord): string => basename(file, '.png');
const perImage = ({ records }: Dataset, write: (record: DatasetRecord) => readonly [string, string]): Files =>
  Object.fromEntries(records.map(write));

const WRITERS: Readonly<Record<FormatName, Writer>> = {
  yolo: (set, split) => ({
    folder: `images/${split}`,
    files: {
      'data.yaml': `train: images/train\nval: images/val\nnames: [${set.metadata.classes.join(', ')}]\n`,
      ...perImage(set, (record) => [`labels/${split}/${stem(record)}.txt`, yoloLines(record)]),
    },
  }),
  coco: (_, split) => ({ folder: `${split}2017`, files: {} }),
  voc: (set, split) => ({
    folder: split,
    files: perImage(set, (record) => [`${split}/${stem(record)}.xml`, vocFile(record, set.metadata.classes)]),
  }),
  'open-images': (set, split) => ({
    folder: split,
    files: {
      [`${split}-annotations-bbox.csv`]: [
        'ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsGroupOf',
        ...set.records.flatMap((record) =>
          record.annotations.map(({ box: [x0, y0, x1, y1], category }) => {
            const edges = [x0 / record.width, x1 / record.width, y0 / record.height, y1 / record.height];
            return `${stem(record)},xclick,/m/${category},1,${edges.join(',')},0`;
          }),
        ),
      ].join('\n'),
      'class-descriptions.csv': set.metadata.classes.map((name, place) => `/m/${place},${name}`).join('\n'),
    },
  }),
  labelme: (set, split) => ({
    folder: split,
    files: perImage(set, (record) => [
      `${split}/${stem(record)}.json`,
      JSON.stringify({
        shapes: record.annotations.map(({ box: [x0, y0, x1, y1], category }) => ({
          label: set.metadata.classes[category],
          shape_type: 'rectangle',
          points: [
            [x0, y0],
            [x1, y1],
          ],
        })),
        imagePath: `${stem(record)}.png`,
        imageHeight: record.height,
        imageWidth: record.width,
      }),
    ]),
  }),
  via: (set, split) => ({
    folder: split,
    files: {
      [`${split}/via_region_data.json`]: JSON.stringify(
        Object.fromEntries(
          set.records.map((record) => [
            `${stem(record)}.png1`,
            {
              filename: `${stem(record)}.png`,
              regions: record.annotations.map(({ box: [x0, y0, x1, y1], category }) => ({
                shape_attributes: { name: 'rect', x: x0, y: y0, width: x1 - x0, height: y1 - y0 },
                region_attributes: { name: set.metadata.classes[category] },
              })),
            },
          ]),
        ),
      ),
    },
  }),
  createml: (set, split) => ({
    folder: split,
    files: {
      [`${split}/_annotations.createml.json`]: JSON.stringify(
        set.records.map((record) => ({
          image: `${stem(record)}.png`,
          annotations: record.annotations.map(({ box: [x0, y0, x1, y1], category }) => ({
            label: set.metadata.classes[category],
            coordinates: { x: (x0 + x1) / 2, y: (y0 + y1) / 2, width: x1 - x0, height: y1 - y0 },
          })),
        })),
      ),
    },
  }),
};

function yoloLines({ annotations, width, height }: DatasetRecord): string {
  const lines = annotations.map(({ box: [x0, y0, x1, y1], category }) =>
    [category, (x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height].join(' '),
  );
  return `${lines.join('\n')}\n`;
}

function vocFile(record: DatasetRecord, classes: readonly string[]): string {
  const objects = record.annotations.map(
    ({ box: [x0, y0, x1, y1], category }) =>
      `<object><name>${classes[category] ?? ''}</name><bndbox><xmin>${x0 + 1}</xmin><ymin>${y0 + 1}</ymin>` +
      `<xmax>${x1}</xmax><ymax>${y1}</ymax></bndbox></object>`,
  );
  const size = `<size><width>${record.width}</width><height>${record.height}</height></size>`;
  return `<annotation><filename>${stem(record)}.png</filename>${size}${objects.join('')}</annotation>`;
}
