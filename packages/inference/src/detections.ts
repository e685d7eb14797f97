/** A size in whole pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** How an image is resized to a network's input: `inside` keeps its proportions and leaves padding, `stretch` fills the whole input. */
export type Fit = 'inside' | 'stretch';

/** The default value, from 0 to 255, of the pixels that pad a network's input: about the mean of ImageNet. */
export const PADDING = 114;

/**
 * The size in pixels at which a network sees an image: with `inside`, the largest size with the image's proportions that fits into
 * the input; with `stretch`, that of the input. The image is at the upper left of the input, and the rest is padding.
 *
 * @param image size of the image, with its EXIF rotation applied unless the network sees pixels as stored
 * @param input size of the network's input; with undefined, the image keeps its own size
 */
export function fitSize(image: Size, input: Size | undefined, fit: Fit): Size {
  if (input === undefined) return { width: image.width, height: image.height };
  if (fit === 'stretch') return { width: input.width, height: input.height };
  const scale = Math.min(input.width / image.width, input.height / image.height);
  return {
    width: Math.max(1, Math.min(input.width, Math.round(image.width * scale))),
    height: Math.max(1, Math.min(input.height, Math.round(image.height * scale))),
  };
}

/** The detections of one image, best score first. */
export interface Detections {
  /** Corners x1, y1, x2, y2 in pixels: [objects, 4]. */
  readonly boxes: Float32Array;
  /** Scores from 0 to 1: [objects]. */
  readonly scores: Float32Array;
  /** Class indices from 0: [objects]. */
  readonly classes: Int32Array;
}

/** Returns the detections with these indices, in the order of `rows`. */
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

/**
 * Maps the boxes of detections from pixels of a network's input to pixels of the image, and clips them to the image. Everything that
 * reports boxes uses it: evaluators, predictions, pictures of them and exported models.
 *
 * @param found detections with boxes in pixels of the input
 * @param seen size of the image in the input, see {@link fitSize}
 * @param image size of the image
 * @returns detections with new boxes; `found` is not changed
 */
export function toImagePixels(found: Detections, seen: Size, image: Size): Detections {
  const [across, down] = [image.width / seen.width, image.height / seen.height];
  const boxes = found.boxes.map((edge, place) => {
    const [scale, most] = place % 2 === 0 ? [across, image.width] : [down, image.height];
    return Math.min(Math.max(edge * scale, 0), most);
  });
  return { boxes, scores: found.scores, classes: found.classes };
}

/** Options that turn the outputs of a detector into detections. */
export interface PostprocessOptions {
  /** Detections with a lower score are dropped. From 0 to 1. @default 0.05 */
  readonly scoreThreshold?: number;
  /** Maximum number of candidates of an image, the best scores, that enter non-maximum suppression. @default 1000 */
  readonly topK?: number;
  /** Of two boxes of one class with a larger IoU, the one with the lower score is suppressed. From 0 to 1. @default 0.5 */
  readonly nmsThreshold?: number;
  /** Maximum number of detections per image. @default 100 */
  readonly maxDetections?: number;
}

/** The defaults of {@link PostprocessOptions}. */
export const POSTPROCESS_DEFAULTS = {
  scoreThreshold: 0.05,
  topK: 1000,
  nmsThreshold: 0.5,
  maxDetections: 100,
} as const satisfies Required<PostprocessOptions>;

/**
 * Selects the candidates of one image for non-maximum suppression: the best scores, each with its class and box.
 *
 * @param scores [places, classes], from 0 to 1
 * @param boxes [places, 4], corners x1, y1, x2, y2 in pixels of the input
 * @param classes number of classes
 * @returns best score first, with boxes in pixels of the input
 */
export function selectCandidates(
  scores: Float32Array,
  boxes: Float32Array,
  classes: number,
  {
    scoreThreshold = POSTPROCESS_DEFAULTS.scoreThreshold,
    topK = POSTPROCESS_DEFAULTS.topK,
  }: Pick<PostprocessOptions, 'scoreThreshold' | 'topK'> = {},
): Detections {
  const rows: number[] = [];
  for (let row = 0; row < scores.length; row++) if ((scores[row] as number) >= scoreThreshold) rows.push(row);
  rows.sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
  const best = rows.slice(0, topK);
  const found: Detections = {
    boxes: new Float32Array(best.length * 4),
    scores: Float32Array.from(best, (row) => scores[row] as number),
    classes: Int32Array.from(best, (row) => row % classes),
  };
  best.forEach((row, to) => {
    const place = Math.floor(row / classes);
    found.boxes.set(boxes.subarray(place * 4, place * 4 + 4), to * 4);
  });
  return found;
}

/**
 * Turns the outputs of a detector for one image into detections: the best scores, without those that class-wise non-maximum
 * suppression removes.
 *
 * @param scores [places, classes], from 0 to 1
 * @param boxes [places, 4], corners x1, y1, x2, y2 in pixels of the input
 * @param classes number of classes
 * @returns best score first, with boxes in pixels of the input
 */
export function detectionsOf(
  scores: Float32Array,
  boxes: Float32Array,
  classes: number,
  options: PostprocessOptions = {},
): Detections {
  const { nmsThreshold = POSTPROCESS_DEFAULTS.nmsThreshold, maxDetections = POSTPROCESS_DEFAULTS.maxDetections } =
    options;
  const found = selectCandidates(scores, boxes, classes, options);
  return pickDetections(found, nms(found, nmsThreshold, maxDetections));
}

/**
 * Class-wise non-maximum suppression: of boxes of one class with an IoU above `threshold`, only the one with the best score is kept.
 *
 * @param detections best score first
 * @param threshold from 0 to 1
 * @param limit maximum number of detections to keep
 * @returns the indices of the kept detections, best score first
 */
export function nms({ boxes, classes }: Detections, threshold: number, limit = Infinity): number[] {
  const kept: number[] = [];
  // Kept detections by class, so that boxes of different classes are not compared.
  const rivals = new Map<number, number[]>();
  for (let row = 0; row < classes.length && kept.length < limit; row++) {
    const index = classes[row] as number;
    const same = rivals.get(index);
    if (same?.some((other) => pairIou(boxes, row, other) > threshold) === true) continue;
    kept.push(row);
    if (same === undefined) rivals.set(index, [row]);
    else same.push(row);
  }
  return kept;
}

/** Intersection over union of two boxes, given by their indices. */
export function pairIou(boxes: Float32Array, a: number, b: number): number {
  const [i, j] = [a * 4, b * 4];
  const ax = boxes[i] as number;
  const ay = boxes[i + 1] as number;
  const au = boxes[i + 2] as number;
  const av = boxes[i + 3] as number;
  const bx = boxes[j] as number;
  const by = boxes[j + 1] as number;
  const bu = boxes[j + 2] as number;
  const bv = boxes[j + 3] as number;
  const width = Math.min(au, bu) - Math.max(ax, bx);
  if (width <= 0) return 0;
  const height = Math.min(av, bv) - Math.max(ay, by);
  if (height <= 0) return 0;
  const shared = width * height;
  return shared / ((au - ax) * (av - ay) + (bu - bx) * (bv - by) - shared);
}
