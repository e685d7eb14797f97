import { RandomStream } from 'hookline';

export const SIDE = 28;

type Point = readonly [x: number, y: number];
type Stroke = readonly Point[];

/** Points on an arc of an ellipse. Angles are in degrees; 0 is to the right, and they run clockwise because y points down. */
function arc(cx: number, cy: number, rx: number, ry: number, from: number, to: number): Stroke {
  const steps = Math.max(4, Math.ceil(Math.abs(to - from) / 15));
  return Array.from({ length: steps + 1 }, (_, step) => {
    const angle = ((from + ((to - from) * step) / steps) * Math.PI) / 180;
    return [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)] as const;
  });
}

/** The strokes of each digit, with coordinates from -1 to 1. */
const DIGITS: readonly (readonly Stroke[])[] = [
  [arc(0, 0, 0.55, 0.9, 0, 360)],
  [
    [
      [-0.3, -0.6],
      [0.05, -0.9],
      [0.05, 0.9],
    ],
  ],
  [[...arc(0, -0.45, 0.5, 0.45, 190, 380), [-0.5, 0.9], [0.55, 0.9]]],
  [[...arc(-0.05, -0.45, 0.5, 0.45, 200, 430), ...arc(-0.05, 0.45, 0.55, 0.45, 280, 520)]],
  [
    [
      [0.3, 0.9],
      [0.3, -0.9],
      [-0.55, 0.35],
      [0.6, 0.35],
    ],
  ],
  [[[0.5, -0.9], [-0.4, -0.9], [-0.45, -0.05], ...arc(-0.05, 0.35, 0.55, 0.55, 235, 500)]],
  [[[0.3, -0.9], ...arc(-0.02, 0.4, 0.5, 0.5, 190, 550)]],
  [
    [
      [-0.55, -0.9],
      [0.55, -0.9],
      [-0.1, 0.9],
    ],
  ],
  [arc(0, -0.45, 0.42, 0.42, 0, 360), arc(0, 0.45, 0.5, 0.47, 0, 360)],
  [[...arc(0, -0.4, 0.48, 0.48, 20, -340), [0.47, -0.3], [0.25, 0.9]]],
];

/** Grey images, one byte per pixel, and their labels. */
export interface Digits {
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
}

/** Draws digits with random shape, position, size, slant, pen width and noise. The same seed gives the same digits. */
export function drawDigits(count: number, seed = 1): Digits {
  const random = new RandomStream(seed, 'digits');
  const images = new Uint8Array(count * SIDE * SIDE);
  const labels = new Uint8Array(count);
  for (let index = 0; index < count; index++) {
    const label = index % 10;
    labels[index] = label;
    drawOne(DIGITS[label] ?? [], images.subarray(index * SIDE * SIDE, (index + 1) * SIDE * SIDE), random);
  }
  return { images, labels };
}

function drawOne(strokes: readonly Stroke[], pixels: Uint8Array, random: RandomStream): void {
  const between = (low: number, high: number): number => low + (high - low) * random.float();
  const [angle, slant, width, height] = [
    between(-0.25, 0.25),
    between(-0.3, 0.3),
    between(5.5, 9.5),
    between(7.5, 10.5),
  ];
  const [cx, cy, pen, ink] = [between(11.5, 15.5), between(11.5, 15.5), between(0.8, 1.7), between(150, 255)];
  const wobble = (): number => between(-0.09, 0.09);
  const place = ([x, y]: Point): Point => {
    const [u, v] = [(x + wobble() + slant * y) * width, (y + wobble()) * height];
    return [cx + u * Math.cos(angle) - v * Math.sin(angle), cy + u * Math.sin(angle) + v * Math.cos(angle)];
  };
  const distances = new Float32Array(SIDE * SIDE).fill(Infinity);
  for (const stroke of strokes) {
    const points = stroke.map(place);
    for (let index = 1; index < points.length; index++) {
      markDistances(distances, points[index - 1] ?? [0, 0], points[index] ?? [0, 0], pen + 1);
    }
  }
  for (let pixel = 0; pixel < pixels.length; pixel++) {
    const inked = ink * Math.min(1, Math.max(0, pen + 0.5 - (distances[pixel] ?? Infinity)));
    pixels[pixel] = Math.min(255, Math.max(0, inked + 14 * random.normal()));
  }
}

/** Updates `distances` with each pixel's distance to the line from `a` to `b`, where that is smaller; only pixels within `reach` change. */
function markDistances(distances: Float32Array, [ax, ay]: Point, [bx, by]: Point, reach: number): void {
  const [dx, dy] = [bx - ax, by - ay];
  const squaredLength = dx * dx + dy * dy || 1;
  const low = (p: number, q: number): number => Math.max(0, Math.floor(Math.min(p, q) - reach));
  const high = (p: number, q: number): number => Math.min(SIDE - 1, Math.ceil(Math.max(p, q) + reach));
  const [left, right, top, bottom] = [low(ax, bx), high(ax, bx), low(ay, by), high(ay, by)];
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const along = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / squaredLength));
      const [offX, offY] = [x - ax - along * dx, y - ay - along * dy];
      const distance = Math.sqrt(offX * offX + offY * offY);
      const pixel = y * SIDE + x;
      if (distance < (distances[pixel] ?? 0)) distances[pixel] = distance;
    }
  }
}
