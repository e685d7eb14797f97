import type { RandomStream } from 'hookline';
import type { Canvas } from './canvas.ts';
import { type DistanceField, distanceField, type Placement } from './distance-field.ts';
import { paintGround } from './ground.ts';
import { addNoise, grain } from './noise.ts';
import { clamp } from './numbers.ts';
import { type Outline, OUTLINES } from './outlines.ts';
import { coverage, type Light, paintObject, paintShadow, pickStyle, type Style } from './paint-object.ts';
import { between, betweenInProportion, chance } from './picks.ts';

/** Sizes and counts of a scene. */
export interface SceneOptions {
  /** Size of the picture in pixels. */
  readonly width: number;
  readonly height: number;
  /** Least and greatest number of objects. */
  readonly objects: readonly [from: number, to: number];
  /** Least and greatest radius of an object in pixels. */
  readonly radius: readonly [from: number, to: number];
}

/** An object that is visible enough to be annotated. */
export interface SceneObject {
  /** Index in OUTLINES. */
  readonly category: number;
  /** Bounding box of the visible part in pixels. */
  readonly box: readonly [x0: number, y0: number, x1: number, y1: number];
  /** Number of visible pixels. */
  readonly area: number;
}

export interface Scene {
  /** Red, green and blue bytes. */
  readonly pixels: Uint8Array;
  readonly objects: readonly SceneObject[];
  /** For each pixel, the index in `objects` of the object that it shows; -1 for the background and for objects not listed there. */
  readonly shown: Int16Array;
}

/** Least visible share of an annotated object. Objects with less cannot be recognised. */
const LEAST_SEEN = 0.45;
/** Least distance of two centers, divided by the sum of the radii. Below 1, objects overlap. */
const NEAREST = 0.72;
const TRIES = 30;

/** Draws one scene, which depends only on the random stream and the options. */
export function composeScene(random: RandomStream, options: SceneOptions): Scene {
  const { width, height } = options;
  const { canvas, color } = paintGround(width, height, random.stream('ground'));
  const light = pickLight(random);
  const owner = new Int16Array(width * height).fill(-1);
  const painted = placeObjects(random, options).map(({ category, placement }, index) => {
    const outline = OUTLINES[category] as Outline;
    const style = pickStyle(random, placement.radius, color, outline.pen === undefined);
    const field = distanceField(outline, placement, light.throw * 2 + 4);
    paintShadow(canvas, field, style, light);
    paintObject(canvas, field, style, light, (pixel) => void (owner[pixel] = index));
    return { category, whole: countPixels(field, style) };
  });
  const seen = measure(owner, width, painted.length);
  const kept = painted.flatMap(({ category, whole }, index) => {
    const { area, box } = seen[index] as Seen;
    return area > 0 && area >= LEAST_SEEN * whole ? [{ index, object: { category, box, area } }] : [];
  });
  const numbers = new Map(kept.map(({ index }, place) => [index, place]));
  return {
    pixels: finish(canvas, light, random),
    objects: kept.map(({ object }) => object),
    shown: owner.map((index) => numbers.get(index) ?? -1),
  };
}

function pickLight(random: RandomStream): Light {
  const angle = random.float() * 2 * Math.PI;
  return {
    from: [Math.cos(angle), Math.sin(angle)],
    throw: between(random, 1, 7),
    shade: between(random, 0.15, 0.5),
  };
}

/** Chooses categories and placements, in the order of painting. */
function placeObjects(random: RandomStream, { width, height, objects, radius }: SceneOptions) {
  const count = objects[0] + random.int(objects[1] - objects[0] + 1);
  // Each class is in the deck twice, so that all classes are equally frequent and a scene may show two objects of one class.
  const deck = random.permutation(OUTLINES.length * 2);
  const placed: { readonly category: number; readonly placement: Placement }[] = [];
  // Place large objects first, because they would not fit between small ones.
  const radii = Array.from({ length: count }, () => betweenInProportion(random, ...radius)).sort((a, b) => b - a);
  for (const [index, size] of radii.entries()) {
    const category = (deck[index % deck.length] as number) % OUTLINES.length;
    const { turn } = OUTLINES[category] as Outline;
    for (let tried = 0; tried < TRIES; tried++) {
      const inset = size * 0.6;
      const center = [between(random, inset, width - inset), between(random, inset, height - inset)] as const;
      const isFree = placed.every(
        ({ placement }) =>
          Math.hypot(placement.center[0] - center[0], placement.center[1] - center[1]) >=
          NEAREST * (placement.radius + size),
      );
      if (!isFree) continue;
      const angle = between(random, -turn, turn);
      placed.push({ category, placement: { center, radius: size, angle, stretch: between(random, 0.88, 1.14) } });
      break;
    }
  }
  return random.shuffle(placed);
}

/** The number of pixels that the object would cover if nothing hid it or cut it off. */
const countPixels = ({ data }: DistanceField, style: Style): number =>
  data.reduce((sum, distance) => sum + (coverage(distance, style) >= 0.5 ? 1 : 0), 0);

interface Seen {
  readonly area: number;
  readonly box: readonly [x0: number, y0: number, x1: number, y1: number];
}

function measure(owner: Int16Array, width: number, count: number): Seen[] {
  const areas = new Int32Array(count);
  const edges = Array.from({ length: count }, () => [Infinity, Infinity, 0, 0] as [number, number, number, number]);
  for (let pixel = 0; pixel < owner.length; pixel++) {
    const index = owner[pixel] as number;
    if (index < 0) continue;
    const x = pixel % width;
    const y = (pixel - x) / width;
    const box = edges[index] as [number, number, number, number];
    areas[index] = (areas[index] as number) + 1;
    if (x < box[0]) box[0] = x;
    if (y < box[1]) box[1] = y;
    if (x >= box[2]) box[2] = x + 1;
    if (y >= box[3]) box[3] = y + 1;
  }
  return edges.map((box, index) => ({ area: areas[index] as number, box }));
}

/** Adds uneven light and camera grain, and rounds to bytes. */
function finish({ data, width, height }: Canvas, light: Light, random: RandomStream): Uint8Array {
  const brightness = { data: new Float32Array(width * height), width, height };
  addNoise(brightness, between(random, 60, 140), chance(random, 0.5) ? between(random, 0.05, 0.25) : 0.03, random);
  const slope = between(random, 0, 0.25);
  const [strength, shiftX, shiftY] = [between(random, 1, 6), random.int(128), random.int(128)];
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0, pixel = 0; y < height; y++) {
    const down = (y / height - 0.5) * light.from[1];
    for (let x = 0; x < width; x++, pixel++) {
      const across = (x / width - 0.5) * light.from[0];
      const factor = 1 + (brightness.data[pixel] as number) + slope * (across + down);
      const added = strength * grain(x + shiftX, y + shiftY);
      for (let at = pixel * 3; at < pixel * 3 + 3; at++) {
        pixels[at] = clamp((data[at] as number) * factor + added, 0, 255);
      }
    }
  }
  return pixels;
}
