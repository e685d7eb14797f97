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

/** Pictures of a grid, and how many stand side by side. */
const PICTURES = 12;
const COLUMNS = 4;
/** Pixels of the longer side of each. */
const SIDE = 480;
/** Beside a picture that does not fill its square. */
const GROUND = [24, 24, 24] as const;

/**
 * Draws images of all splits, evenly chosen, with their boxes and classes, as one picture.
 *
 * @throws HooklineError `HKL_USAGE` where there is nothing to draw, `HKL_PICTURE_READ`, `HKL_PICTURE_WRITE`
 */
export async function drawData(path: string, splits: ReadonlyMap<string, Dataset>): Promise<void> {
  const all = [...splits.values()].flatMap(({ records, metadata }) =>
    records.map((record) => ({ record, classNames: metadata.classes })),
  );
  // Rather such on which there is something to see.
  const full = all.filter(({ record }) => record.annotations.length > 0);
  const chosen = evenly(full.length > 0 ? full : all, PICTURES);
  if (chosen.length === 0) throw usageError('there is no image to draw', 'Leave --pictures out');
  const pictures = [];
  for (const { record, classNames } of chosen) {
    const whole = await readPicture(record.file, { orient: record.orient !== false });
    const factor = SIDE / Math.max(whole.width, whole.height);
    const size = { width: Math.round(whole.width * factor), height: Math.round(whole.height * factor) };
    // A square each, so that names are equally large on all.
    const field = blankPicture(SIDE, SIDE, GROUND);
    paste(field, await resizePicture(whole, size), 0, 0);
    const scale = [size.width / record.width, size.height / record.height] as const;
    pictures.push(drawDetections(field, objectsOf(record, scale), { classNames, scores: false, enlarge: 1 }));
  }
  await writePicture(path, pictureGrid(pictures, COLUMNS));
}

/** So many of a list, from its beginning to its end. */
const evenly = <T>(list: readonly T[], count: number): T[] =>
  list.length <= count
    ? [...list]
    : Array.from({ length: count }, (_, place) => list[Math.floor((place * list.length) / count)] as T);

/** The objects of an image in the form of detections, of which all are certain. */
function objectsOf({ annotations }: DatasetRecord, [x, y]: readonly [number, number]) {
  return {
    boxes: Float32Array.from(annotations.flatMap(({ box: [x0, y0, x1, y1] }) => [x0 * x, y0 * y, x1 * x, y1 * y])),
    scores: new Float32Array(annotations.length).fill(1),
    classes: Int32Array.from(annotations, ({ category }) => category),
  };
}
