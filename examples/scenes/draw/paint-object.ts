import type { RandomStream } from 'hookline';
import { blend, type Canvas } from './canvas.ts';
import { contrast, hsl, lit, mix, type Rgb } from './color.ts';
import type { DistanceField } from './distance-field.ts';
import { clamp, offWhole, smoothstep } from './numbers.ts';
import { between, chance, pick } from './picks.ts';

/** The light of a scene. */
export interface Light {
  /** Unit vector in the picture's plane towards the light. */
  readonly from: readonly [x: number, y: number];
  /** Offset of shadows in pixels. */
  readonly throw: number;
  /** How dark shadows are, 0 to 1. */
  readonly shade: number;
}

/** How an object is painted. */
export interface Style {
  readonly color: Rgb;
  readonly second: Rgb;
  /** Pattern of the interior. */
  readonly filling: 'plain' | 'shaded' | 'striped' | 'dotted' | 'hollow';
  /** Distance from one stripe or dot to the next in pixels; `angle` is their direction in radians. */
  readonly period: number;
  readonly angle: number;
  /** Width of the rim in pixels; `bevel` is the strength of its shading. */
  readonly rim: number;
  readonly bevel: number;
  readonly hasLine: boolean;
}

const FILLINGS = ['plain', 'plain', 'shaded', 'shaded', 'striped', 'dotted'] as const;
/** Least contrast to the background; with less, an object would be invisible. */
const LEAST_CONTRAST = 0.16;

/** Chooses a random style whose color contrasts with the background. */
export function pickStyle(random: RandomStream, radius: number, ground: Rgb, isArea: boolean): Style {
  let color: Rgb;
  do color = hsl(random.int(360), between(random, 0.45, 0.95), between(random, 0.25, 0.75));
  while (contrast(color, ground) < LEAST_CONTRAST);
  const isLarge = radius > 15 && isArea;
  return {
    color,
    second: mix(color, chance(random, 0.5) ? [255, 255, 255] : [20, 20, 30], between(random, 0.35, 0.75)),
    filling: isLarge && chance(random, 0.18) ? 'hollow' : isLarge ? pick(random, FILLINGS) : 'plain',
    period: between(random, 5, 9),
    angle: random.float() * Math.PI,
    rim: Math.max(1.5, radius * between(random, 0.1, 0.2)),
    bevel: chance(random, 0.7) ? between(random, 0.15, 0.45) : 0,
    hasLine: chance(random, 0.35),
  };
}

/** The share of a pixel that an object covers, 0 to 1, given the pixel's distance from the object's edge. */
export function coverage(distance: number, { filling, rim }: Pick<Style, 'filling' | 'rim'>): number {
  const outer = clamp(0.5 - distance, 0, 1);
  return filling === 'hollow' ? clamp(0.5 + distance + 2.2 * rim, 0, outer) : outer;
}

/** Paints the shadow of an object. Call it before {@link paintObject}. */
export function paintShadow(canvas: Canvas, field: DistanceField, style: Style, light: Light): void {
  const softness = 1 + light.throw * 0.6;
  const hole = style.filling === 'hollow' ? 2.2 * style.rim : Number.MAX_VALUE;
  const [offX, offY] = light.from.map((part) => Math.round(-part * light.throw)) as [number, number];
  eachPixel(canvas, field, [offX, offY], (pixel, at) => {
    const distance = field.data[at] as number;
    const outer = 1 - smoothstep(-softness, softness, distance);
    const dark = clamp(1 - smoothstep(-softness, softness, -distance - hole), 0, outer);
    if (dark > 0) blend(canvas, pixel, [8, 8, 16], dark * light.shade);
  });
}

/** Paints an object. @param see called with the index of each pixel that the object covers by at least half */
export function paintObject(
  canvas: Canvas,
  field: DistanceField,
  style: Style,
  light: Light,
  see: (pixel: number) => void,
): void {
  const { data, width } = field;
  const [cos, sin] = [Math.cos(style.angle) / style.period, Math.sin(style.angle) / style.period];
  const [middleX, middleY, half] = [width / 2, field.height / 2, Math.max(width, field.height) / 2];
  const line = lit(style.color, 0.45);
  eachPixel(canvas, field, [0, 0], (pixel, at, x, y) => {
    const distance = data[at] as number;
    const covered = coverage(distance, style);
    if (covered === 0) return;
    if (covered >= 0.5) see(pixel);
    // The distance grows outwards, so its gradient is the direction that the edge faces.
    const slopeX = ((data[at + 1] as number) - (data[at - 1] as number)) / 2;
    const slopeY = ((data[at + width] as number) - (data[at - width] as number)) / 2;
    const facing = slopeX * light.from[0] + slopeY * light.from[1];
    const roundness = style.bevel * smoothstep(-2 * style.rim, 0, distance);
    const across = ((x - middleX) * light.from[0] + (y - middleY) * light.from[1]) / half;
    const brightness = 1 + facing * roundness + (style.filling === 'shaded' ? 0.35 : 0.1) * across;
    const base = fillingColor(style, x * cos + y * sin, y * cos - x * sin);
    const isLine = style.hasLine ? smoothstep(-style.rim * 0.5 - 0.7, -style.rim * 0.5 + 0.7, distance) : 0;
    blend(canvas, pixel, lit(isLine > 0 ? mix(base, line, isLine) : base, brightness), covered);
  });
}

function fillingColor({ filling, color, second }: Style, along: number, across: number): Rgb {
  const [offX, offY] = [offWhole(along), offWhole(across)];
  if (filling === 'striped') return mix(color, second, smoothstep(0.2, 0.3, offX));
  if (filling === 'dotted') return mix(second, color, smoothstep(0.05, 0.115, offX * offX + offY * offY));
  return color;
}

/** Calls back for each pixel of a shifted field that lies in the picture. The field's outermost pixels are left out. */
function eachPixel(
  canvas: Canvas,
  { left, top, width, height }: DistanceField,
  [offX, offY]: readonly [number, number],
  visit: (pixel: number, at: number, x: number, y: number) => void,
): void {
  for (let y = 1; y < height - 1; y++) {
    const row = top + y + offY;
    if (row < 0 || row >= canvas.height) continue;
    for (let x = 1; x < width - 1; x++) {
      const column = left + x + offX;
      if (column >= 0 && column < canvas.width) visit(row * canvas.width + column, y * width + x, x, y);
    }
  }
}
