import { type Picture, readPicture, resizePicture, type Size } from '@hookline/images';

/** What batches of `DetectionLoader` contain about the sources of their rows. Other batches may lack all of it. */
interface BatchSources {
  readonly samples?: {
    readonly records?: readonly {
      readonly file: string;
      readonly width: number;
      readonly height: number;
      readonly orient?: boolean;
    }[];
    /** Transforms from the pixels of a record to those of its row. */
    readonly transforms?: readonly { applyBoxes(boxes: Float32Array): Float32Array }[];
  };
}

/** Larger pictures are shrunk to this width: a grid of photographs would be unwieldy. */
const WIDEST = 640;

/**
 * The picture from which a row of a batch was made, and the size at which the row shows it.
 *
 * @returns undefined if the batch does not name the picture, or if its pixels were flipped, cropped or rotated on the way
 */
export async function sourcePicture(
  batch: unknown,
  row: number,
): Promise<{ readonly picture: Picture; readonly seen: Size } | undefined> {
  const { samples } = batch as BatchSources;
  const [record, transform] = [samples?.records?.[row], samples?.transforms?.[row]];
  if (record === undefined || transform === undefined || record.orient === false) return undefined;
  // Flips and most crops would move the corner of this box away from the origin.
  const { width, height } = record;
  const [x0, y0, x1 = 0, y1 = 0] = transform.applyBoxes(Float32Array.of(0, 0, width / 2, height / 4));
  if (x0 !== 0 || y0 !== 0) return undefined;
  const whole = await readPicture(record.file);
  const factor = Math.min(1, WIDEST / whole.width);
  const size = { width: Math.round(whole.width * factor), height: Math.round(whole.height * factor) };
  return { picture: await resizePicture(whole, size), seen: { width: Math.round(2 * x1), height: Math.round(4 * y1) } };
}
