/** Some of the boxes in an array of x, y, width and height. */
export interface BoxSlice {
  readonly boxes: Float64Array;
  /** Indices of the boxes in `boxes`. */
  readonly rows: ArrayLike<number>;
  readonly count: number;
}

/**
 * Computes the IoU of each detection with each object in double precision, without clipping. For a crowd, the denominator is the
 * detection's area, so the value is the share of the detection inside the crowd.
 *
 * @returns [detections, objects] in row-major order
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
