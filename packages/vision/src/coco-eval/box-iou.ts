/** Boxes as x, y, width, height, four numbers each, from `start` on. */
export interface BoxSlice {
  readonly boxes: Float64Array;
  /** Rows into `boxes`. */
  readonly rows: ArrayLike<number>;
  readonly count: number;
}

/**
 * IoU of each detection with each object, row by row, in doubles, without clipping. Of a crowd it is the part of the
 * detection that lies in it: its denominator is the detection's area.
 */
export function boxIou(detections: BoxSlice, objects: BoxSlice, isCrowd: (object: number) => boolean): Float64Array {
  const result = new Float64Array(detections.count * objects.count);
  for (let g = 0; g < objects.count; g++) {
    const at = (objects.rows[g] as number) * 4;
    const [gx, gy, gw, gh] = corner(objects.boxes, at);
    const crowd = isCrowd(g);
    for (let d = 0; d < detections.count; d++) {
      const from = (detections.rows[d] as number) * 4;
      const [dx, dy, dw, dh] = corner(detections.boxes, from);
      const width = Math.min(dw + dx, gw + gx) - Math.max(dx, gx);
      if (width <= 0) continue;
      const height = Math.min(dh + dy, gh + gy) - Math.max(dy, gy);
      if (height <= 0) continue;
      const shared = width * height;
      result[d * objects.count + g] = shared / (crowd ? dw * dh : dw * dh + gw * gh - shared);
    }
  }
  return result;
}

const corner = (boxes: Float64Array, at: number): [number, number, number, number] => [
  boxes[at] as number,
  boxes[at + 1] as number,
  boxes[at + 2] as number,
  boxes[at + 3] as number,
];
