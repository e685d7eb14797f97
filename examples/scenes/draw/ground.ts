import type { RandomStream } from 'hookline';
import { type Canvas, emptyField, type Field } from './canvas.ts';
import { hsl, mix, type Rgb } from './color.ts';
import { addFractalNoise, addNoise } from './noise.ts';
import { clamp, offWhole, smoothstep } from './numbers.ts';
import { between, pick } from './picks.ts';

/** Paints a texture with values from 0 to 1 into a field. */
type Texture = (field: Field, random: RandomStream) => void;

/** Fractal noise, like plaster or paper. */
const plaster: Texture = (field, random) => {
  addFractalNoise(field, between(random, 30, 90), 5, random);
  change(field, (value) => 0.5 + value * 0.7);
};

/** Bent parallel lines, like wood grain. */
const wood: Texture = (field, random) => {
  const bend = between(random, 0.6, 2.2);
  addNoise(field, between(random, 50, 120), bend, random);
  addNoise(field, 20, bend * 0.15, random);
  const fine = emptyField(field.width, field.height);
  addFractalNoise(fine, 6, 2, random);
  const along = direction(random, between(random, 12, 30));
  change(field, (value, x, y) => {
    const ring = along(x, y) + value;
    return 0.5 + 0.3 * Math.sin(ring * 2 * Math.PI) + 0.12 * Math.sin(ring * 6.7 * Math.PI) + 0.25 * at(fine, x, y);
  });
};

/** Tiles of slightly different lightness with joints between them. */
const tiles: Texture = (field, random) => {
  const side = between(random, 22, 46);
  const turn = direction(random, side);
  const lightness = Float32Array.from({ length: 256 }, () => between(random, 0.35, 0.75));
  addFractalNoise(field, 24, 4, random);
  change(field, (value, x, y) => {
    const [u, v] = [turn(x, y), turn(-y, x)];
    const [offX, offY] = [offWhole(u), offWhole(v)];
    const edge = (offX < offY ? offX : offY) * side;
    const tile = lightness[(Math.floor(u) * 7 + Math.floor(v) * 31) & 255] as number;
    return (tile + value * 0.25) * (0.55 + 0.45 * smoothstep(0.6, 2, edge));
  });
};

/** Two sets of crossing stripes, like cloth. */
const cloth: Texture = (field, random) => {
  const period = between(random, 16, 40);
  const turn = direction(random, period);
  const widths = [between(random, 0.2, 0.5), between(random, 0.2, 0.5)] as const;
  addFractalNoise(field, 8, 3, random);
  change(field, (value, x, y) => {
    const [u, v] = [turn(x, y), turn(-y, x)];
    const thread = ((x & 1) ^ (y & 1)) * 0.06;
    return 0.35 + 0.2 * band(u, widths[0]) + 0.2 * band(v, widths[1]) + value * 0.15 + thread;
  });
};

/** Broad stripes with soft edges, in one direction. */
const stripes: Texture = (field, random) => {
  const turn = direction(random, between(random, 14, 50));
  const width = between(random, 0.35, 0.6);
  addFractalNoise(field, 40, 5, random);
  change(field, (value, x, y) => 0.35 + 0.3 * band(turn(x, y), width) + value * 0.3);
};

/** Cellular noise: pebbles of different lightness, dark where they meet. */
const pebbles: Texture = (field, random) => {
  const side = between(random, 12, 22);
  const [columns, rows] = [Math.ceil(field.width / side) + 3, Math.ceil(field.height / side) + 3];
  const stones = Float32Array.from({ length: columns * rows * 3 }, () => random.float());
  addFractalNoise(field, 10, 2, random);
  change(field, (value, x, y) => {
    const [column, row] = [Math.floor(x / side) + 1, Math.floor(y / side) + 1];
    let [nearest, second, lightness] = [9, 9, 0];
    for (let down = -1; down <= 1; down++) {
      for (let across = -1; across <= 1; across++) {
        const stone = ((row + down) * columns + column + across) * 3;
        const offX = column + across - 1 + (stones[stone] as number) - x / side;
        const offY = row + down - 1 + (stones[stone + 1] as number) - y / side;
        const squared = offX * offX + offY * offY;
        if (squared < nearest) {
          second = nearest;
          nearest = squared;
          lightness = stones[stone + 2] as number;
        } else if (squared < second) second = squared;
      }
    }
    const joint = Math.sqrt(second) - Math.sqrt(nearest);
    return (0.4 + 0.35 * lightness + 0.2 * value) * (0.6 + 0.4 * smoothstep(0.02, 0.22, joint));
  });
};

const TEXTURES: readonly Texture[] = [plaster, plaster, wood, tiles, cloth, stripes, pebbles];

/** The background of a scene and its mean color, from which objects must stand out. */
export interface Ground {
  readonly canvas: Canvas;
  /** Mean color. */
  readonly color: Rgb;
}

/** Paints a textured background in a muted color. */
export function paintGround(width: number, height: number, random: RandomStream): Ground {
  const field = emptyField(width, height);
  pick(random, TEXTURES)(field, random);
  const hue = random.int(360);
  const saturation = between(random, 0.06, 0.42);
  const lightness = between(random, 0.3, 0.78);
  const depth = between(random, 0.14, 0.26);
  const dark = hsl(hue + between(random, -25, 25), saturation * 1.2, Math.max(0.08, lightness - depth));
  const light = hsl(hue + between(random, -25, 25), saturation, Math.min(0.95, lightness + depth));
  const canvas = { data: new Float32Array(width * height * 3), width, height };
  for (let channel = 0; channel < 3; channel++) {
    const [from, to] = [dark[channel] as number, light[channel] as number];
    for (let pixel = 0; pixel < width * height; pixel++) {
      const share = clamp(field.data[pixel] as number, 0, 1);
      canvas.data[pixel * 3 + channel] = from + (to - from) * share;
    }
  }
  return { canvas, color: mix(dark, light, 0.5) };
}

function change({ data, width, height }: Field, to: (value: number, x: number, y: number) => number): void {
  for (let y = 0, pixel = 0; y < height; y++) {
    for (let x = 0; x < width; x++, pixel++) data[pixel] = to(data[pixel] as number, x, y);
  }
}

const at = ({ data, width }: Field, x: number, y: number): number => data[y * width + x] as number;

/** Returns a function that projects a point on a random direction, in units of `period`. */
function direction(random: RandomStream, period: number): (x: number, y: number) => number {
  const angle = random.float() * 2 * Math.PI;
  const [cos, sin] = [Math.cos(angle) / period, Math.sin(angle) / period];
  const start = random.float();
  return (x, y) => x * cos + y * sin + start;
}

/** A periodic stripe: 1 within the stripe, 0 beside it, with soft edges. */
function band(place: number, width: number): number {
  const inside = place - Math.floor(place);
  return smoothstep(0, 0.06, inside) - smoothstep(width, width + 0.06, inside);
}
