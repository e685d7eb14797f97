import { assertKnownOptions, type OptionNames } from '@hookline/core';
import type { Detections } from '@hookline/inference/detections';
import type { Picture } from '../transforms/image.ts';
import { type Color, enlarge, fill, outline, type Rectangle, textSize, write } from './canvas.ts';

/** Options of {@link drawDetections}. */
export interface DrawOptions {
  /** Names of the classes by their index. */
  readonly classNames: readonly string[];
  /** Detections with a lower score are not drawn. @default 0.4 */
  readonly scoreThreshold?: number;
  /** Whether to write scores in percent after the names. @default true */
  readonly scores?: boolean;
  /** Factor by which the picture is first enlarged. @default the smallest integer that makes it at least 480 pixels wide */
  readonly enlarge?: number;
  /** Size of a pixel of the letters, in pixels of the new picture. @default 1.5 per 480 pixels of its width, rounded */
  readonly textScale?: number;
  /** Ground truth: corners x1, y1, x2, y2 in pixels, drawn as thin dashed boxes. @default none */
  readonly truth?: Float32Array;
}

const OPTIONS = {
  classNames: true,
  scoreThreshold: true,
  scores: true,
  enlarge: true,
  textScale: true,
  truth: true,
} as const satisfies OptionNames<DrawOptions>;

/** Minimum width of a picture with readable labels, in pixels. */
const READABLE = 480;
/** Size of a font pixel in a picture that is READABLE pixels wide. */
const TEXT_SCALE = 1.5;

/**
 * Draws detections with their classes and scores into a copy of a picture, enlarged if needed.
 *
 * @param picture is not changed
 * @param found detections with boxes in pixels of `picture`
 * @returns the new picture
 * @throws HooklineError `HKL_OPTION_UNKNOWN`
 */
export function drawDetections(
  picture: Picture,
  { boxes, scores, classes }: Detections,
  options: DrawOptions,
): Picture {
  assertKnownOptions('drawDetections', options, OPTIONS);
  const { classNames, scoreThreshold = 0.4, truth = new Float32Array(0) } = options;
  const factor = options.enlarge ?? Math.max(1, Math.ceil(READABLE / picture.width));
  const drawn = enlarge(picture, factor);
  const scale = options.textScale ?? Math.max(1, Math.round((TEXT_SCALE * drawn.width) / READABLE));
  const rectangle = (all: Float32Array, row: number): Rectangle => {
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = all.subarray(row * 4, row * 4 + 4).map((side) => side * factor);
    return { x: x1, y: y1, width: x2 - x1, height: y2 - y1 };
  };
  for (let row = 0; row < truth.length / 4; row++) {
    outline(drawn, rectangle(truth, row), [255, 255, 255], { thickness: scale, dash: 3 * scale });
  }
  const shown = Array.from(scores.keys()).filter((row) => (scores[row] as number) >= scoreThreshold);
  // The best detection is drawn last, so that it is on top.
  shown.sort((a, b) => (scores[a] as number) - (scores[b] as number) || b - a);
  for (const row of shown) {
    outline(drawn, rectangle(boxes, row), classColor(classes[row] as number), { thickness: scale + 1 });
  }
  const placed: Rectangle[] = [];
  for (const row of shown.reverse()) {
    const kind = classes[row] as number;
    const name = classNames[kind] ?? `class ${kind}`;
    const text = options.scores === false ? name : `${name} ${Math.round((scores[row] as number) * 100)}`;
    const place = placeLabel(rectangle(boxes, row), textSize(text, scale), drawn, placed);
    placed.push(place);
    const color = classColor(kind);
    fill(drawn, place, color, 0.85);
    write(drawn, text, place.x, place.y, textColor(color), scale);
  }
  return drawn;
}

/** The position of a label: at a corner of its box, within the picture, and if possible clear of earlier labels. */
function placeLabel(
  box: Rectangle,
  { width, height }: { readonly width: number; readonly height: number },
  picture: Picture,
  placed: readonly Rectangle[],
): Rectangle {
  const [below, right] = [box.y + box.height, box.x + box.width - width];
  const corners = [
    [box.x, box.y - height],
    [box.x, below],
    [right, box.y - height],
    [right, below],
    [box.x, box.y],
    [box.x, below - height],
  ] as const;
  const candidates = corners.map(([x, y]) => ({
    x: Math.round(Math.max(0, Math.min(x, picture.width - width))),
    y: Math.round(Math.max(0, Math.min(y, picture.height - height))),
    width,
    height,
  }));
  const isClear = (place: Rectangle): boolean => !placed.some((other) => overlap(place, other));
  return candidates.find(isClear) ?? (candidates[0] as Rectangle);
}

const overlap = (a: Rectangle, b: Rectangle): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** Hue step in degrees. The golden angle keeps hues far apart for any number of classes. */
const GOLDEN_ANGLE = 137.508;
const FIRST_HUE = 205;

/** The color of a class, by its index: bright, and far from the colors of the classes before it. */
export function classColor(index: number): Color {
  const hue = (FIRST_HUE + index * GOLDEN_ANGLE) % 360;
  const channel = (offset: number): number => {
    const place = (offset + hue / 30) % 12;
    return Math.round(255 * (0.55 - 0.45 * Math.max(-1, Math.min(place - 3, 9 - place, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** Black or white, whichever reads better on a color. */
function textColor([red, green, blue]: Color): Color {
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? [0, 0, 0] : [255, 255, 255];
}
