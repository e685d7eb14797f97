import {
  blankPicture,
  type Dataset,
  type DatasetRecord,
  drawDetections,
  paste,
  pictureGrid,
  readPicture,
  resizePicture,
  writePicture,
} from '@hookline/images';
import { usageError } from './usage-error.ts';

/** Number of pictures in the grid, and number of columns. */
const PICTURES = 12;
const COLUMNS = 4;
/** Longer side of each field of the grid, in pixels. */
const SIDE = 480;
const TEXT_SCALE = 2;
/** Color around a picture that does not fill its field. */
const GROUND = [24, 24, 24] as const;

/**
 * Draws a grid of images from all splits, evenly spaced, with their boxes and classes.
 *
 * @throws HooklineError `HKL_USAGE` if there is nothing to draw, `HKL_PICTURE_READ`, `HKL_PICTURE_WRITE`
 */
export async function drawData(path: string, splits: ReadonlyMap<string, Dataset>): Promise<void> {
  const all = [...splits.values()].flatMap(({ records, metadata }) =>
    records.map((record) => ({ record, classNames: metadata.classes })),
  );
  // Prefer images with objects.
  const full = all.filter(({ record }) => record.annotations.length > 0);
  const chosen = evenly(full.length > 0 ? full : all, PICTURES);
  if (chosen.length === 0) throw usageError('there is no image to draw', 'Leave --pictures out');
  const field = fieldFor(chosen.map(({ record }) => record));
  const pictures = [];
  for (const { record, classNames } of chosen) {
    const whole = await readPicture(record.file, { orient: record.orient !== false });
    const factor = Math.min(field.width / whole.width, field.height / whole.height);
    const size = { width: Math.round(whole.width * factor), height: Math.round(whole.height * factor) };
    const scale = [size.width / record.width, size.height / record.height] as const;
    // Names are equally large in all pictures, and stay inside of them.
    const options = { classNames, scores: false, enlarge: 1, textScale: TEXT_SCALE };
    const framed = blankPicture(field.width, field.height, GROUND);
    paste(framed, drawDetections(await resizePicture(whole, size), objectsOf(record, scale), options), 0, 0);
    pictures.push(framed);
  }
  await writePicture(path, pictureGrid(pictures, COLUMNS));
}

/** The size of each picture's field: it has the median aspect ratio of the pictures, so that most fill theirs. */
function fieldFor(records: readonly DatasetRecord[]): { readonly width: number; readonly height: number } {
  const ratios = records.map(({ width, height }) => height / width).sort((a, b) => a - b);
  const ratio = ratios[Math.floor(ratios.length / 2)] as number;
  return { width: Math.round(SIDE / Math.max(1, ratio)), height: Math.round(SIDE * Math.min(1, ratio)) };
}

/** `count` evenly spaced elements of a list. */
const evenly = <T>(list: readonly T[], count: number): T[] =>
  list.length <= count
    ? [...list]
    : Array.from({ length: count }, (_, place) => list[Math.floor((place * list.length) / count)] as T);

/** The objects of an image as detections with score 1. */
function objectsOf({ annotations }: DatasetRecord, [x, y]: readonly [number, number]) {
  return {
    boxes: Float32Array.from(annotations.flatMap(({ box: [x0, y0, x1, y1] }) => [x0 * x, y0 * y, x1 * x, y1 * y])),
    scores: new Float32Array(annotations.length).fill(1),
    classes: Int32Array.from(annotations, ({ category }) => category),
  };
}
