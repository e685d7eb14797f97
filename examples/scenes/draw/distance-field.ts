import type { Field } from './canvas.ts';
import { clamp } from './numbers.ts';
import type { Outline, Point } from './outlines.ts';

/** Position, size and orientation of an object. */
export interface Placement {
  /** Position of the center in pixels. */
  readonly center: Point;
  /** Length of the outline's coordinate 1 in pixels. */
  readonly radius: number;
  /** Radians, clockwise. */
  readonly angle: number;
  /** Ratio of width to height before rotation. */
  readonly stretch: number;
}

/** Signed distances around an object, negative inside it. The field's first pixel is the picture's pixel at `left`, `top`. */
export interface DistanceField extends Field {
  readonly left: number;
  readonly top: number;
}

/**
 * Computes each pixel's signed distance to the edge of an object, in pixels.
 *
 * @param margin how many pixels around the object the field includes
 */
export function distanceField({ lines, pen }: Outline, placement: Placement, margin: number): DistanceField {
  const placed = lines.map((line) => line.map((point) => place(point, placement)));
  const half = pen === undefined ? 0 : pen * placement.radius;
  const [xs, ys] = [0, 1].map((axis) => placed.flat().map((point) => point[axis] as number)) as [number[], number[]];
  const reach = margin + half;
  const left = Math.floor(Math.min(...xs) - reach);
  const top = Math.floor(Math.min(...ys) - reach);
  const width = Math.ceil(Math.max(...xs) + reach) - left;
  const height = Math.ceil(Math.max(...ys) + reach) - top;
  const edges = placed.flatMap((line) => edgesOf(line, pen === undefined));
  const data = new Float32Array(width * height);
  for (let y = 0, pixel = 0; y < height; y++) {
    for (let x = 0; x < width; x++, pixel++) {
      const distance = toEdges(edges, left + x + 0.5, top + y + 0.5, pen === undefined);
      data[pixel] = distance - half;
    }
  }
  return { data, width, height, left, top };
}

function place([x, y]: Point, { center, radius, angle, stretch }: Placement): Point {
  const [wide, high] = [x * radius * Math.sqrt(stretch), (y * radius) / Math.sqrt(stretch)];
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return [center[0] + wide * cos - high * sin, center[1] + wide * sin + high * cos];
}

interface Edge {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
  readonly squaredLength: number;
}

function edgesOf(line: readonly Point[], isClosed: boolean): Edge[] {
  const ends = isClosed ? [...line.slice(1), line[0] as Point] : line.slice(1);
  return ends.map(([x1, y1], index) => {
    const [x, y] = line[index] as Point;
    const [dx, dy] = [x1 - x, y1 - y];
    return { x, y, dx, dy, squaredLength: dx * dx + dy * dy || 1 };
  });
}

/** Distance to the nearest edge. It is negative inside an area, where a ray to the right crosses an odd number of edges. */
function toEdges(edges: readonly Edge[], px: number, py: number, isArea: boolean): number {
  let least = Number.MAX_VALUE;
  let isInside = false;
  for (const { x, y, dx, dy, squaredLength } of edges) {
    const [fromX, fromY] = [px - x, py - y];
    const along = clamp((fromX * dx + fromY * dy) / squaredLength, 0, 1);
    const offX = fromX - along * dx;
    const offY = fromY - along * dy;
    const squared = offX * offX + offY * offY;
    if (squared < least) least = squared;
    if (isArea && fromY < 0 !== fromY < dy && fromX < (fromY * dx) / dy) isInside = !isInside;
  }
  const distance = Math.sqrt(least);
  return isInside ? -distance : distance;
}
