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
/** Longer side of each picture, in pixels. */
const SIDE = 480;
/** Color around a picture that does not fill its square. */
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
  const pictures = [];
  for (const { record, classNames } of chosen) {
    const whole = await readPicture(record.file, { orient: record.orient !== false });
    const factor = SIDE / Math.max(whole.width, whole.height);
    const size = { width: Math.round(whole.width * factor), height: Math.round(whole.height * factor) };
    // Every picture gets a square of the same size, so that names are equally large in all of them.
    const field = blankPicture(SIDE, SIDE, GROUND);
    paste(field, await resizePicture(whole, size), 0, 0);
    const scale = [size.width / record.width, size.height / record.height] as const;
    pictures.push(drawDetections(field, objectsOf(record, scale), { classNames, scores: false, enlarge: 1 }));
  }
  await writePicture(path, pictureGrid(pictures, COLUMNS));
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
