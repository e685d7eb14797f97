/** What was found in one image, best score first. */
export interface Detections {
  /** Corners x1, y1, x2, y2 of each in pixels. */
  readonly boxes: Float32Array;
  readonly scores: Float32Array;
  /** From 0. */
  readonly classes: Int32Array;
}

/** The rows of detections in the order given. */
export function pickDetections({ boxes, scores, classes }: Detections, rows: ArrayLike<number>): Detections {
  const picked: Detections = {
    boxes: new Float32Array(rows.length * 4),
    scores: new Float32Array(rows.length),
    classes: new Int32Array(rows.length),
  };
  for (let to = 0; to < rows.length; to++) {
    const from = rows[to] as number;
    picked.boxes.set(boxes.subarray(from * 4, from * 4 + 4), to * 4);
    picked.scores[to] = scores[from] as number;
    picked.classes[to] = classes[from] as number;
  }
  return picked;
}

/** Moves boxes that were found in a resized image to the original one, in place, and cuts them at its edges. */
export function scaleBoxes(
  { boxes }: Detections,
  [scaleX, scaleY]: readonly [number, number],
  size: { readonly width: number; readonly height: number },
): void {
  for (let at = 0; at < boxes.length; at += 2) {
    boxes[at] = Math.min(Math.max((boxes[at] as number) * scaleX, 0), size.width);
    boxes[at + 1] = Math.min(Math.max((boxes[at + 1] as number) * scaleY, 0), size.height);
  }
}
