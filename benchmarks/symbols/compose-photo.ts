import type { RandomStream } from 'hookline';
import { blend, type Canvas } from '../../examples/scenes/draw/canvas.ts';
import { hsl, mix, type Rgb } from '../../examples/scenes/draw/color.ts';
import { distanceField } from '../../examples/scenes/draw/distance-field.ts';
import { paintGround } from '../../examples/scenes/draw/ground.ts';
import { grain } from '../../examples/scenes/draw/noise.ts';
import { clamp, smoothstep } from '../../examples/scenes/draw/numbers.ts';
import type { Outline, Point } from '../../examples/scenes/draw/outlines.ts';
import { between, chance, pick } from '../../examples/scenes/draw/picks.ts';
import { GLYPHS } from './glyphs.ts';

/** A symbol in a photo. */
export interface PhotoSymbol {
  /** Index in {@link GLYPHS}. */
  readonly category: number;
  /** Bounding box in pixels. */
  readonly box: readonly [x0: number, y0: number, x1: number, y1: number];
}

/** A drawn photo. */
export interface Photo {
  readonly width: number;
  readonly height: number;
  /** Red, green and blue bytes. */
  readonly pixels: Uint8Array;
  readonly symbols: readonly PhotoSymbol[];
}

/** Sizes of the photos in pixels, as they are typical of cameras, phones and web pages. */
const SIZES = [
  [960, 720],
  [800, 600],
  [720, 540],
  [640, 480],
  [500, 375],
] as const;
/** Least and greatest radius of a symbol, as a share of the photo's longer side. */
const RADIUS = [0.021, 0.031] as const;
const TRIES = 40;

interface Card {
  readonly center: Point;
  /** Radius of its symbols in pixels, which is the unit of the card's other lengths. */
  readonly unit: number;
  readonly angle: number;
  readonly category: number;
}

/** Half the sides of a card; CORNER is the position of a symbol. Both are in radii of a symbol. */
const HALF: Point = [4.2, 5.6];
const CORNER: Point = [-2.7, -4];

/** Draws printed cards, each with its symbol twice, on a textured background. Equal random streams give equal photos. */
export function composePhoto(random: RandomStream): Photo {
  const [long, short] = pick(random, SIZES);
  const [width, height] = chance(random, 0.3) ? [short, long] : [long, short];
  const { canvas } = paintGround(width, height, random.stream('ground'));
  const light: Rgb = hsl(random.int(360), between(random, 0, 0.25), between(random, 0.85, 0.95));
  const cards = placeCards(random, width, height, between(random, ...RADIUS) * long);
  const symbols = cards.flatMap((card) => paintCard(random, canvas, card, light));
  return { width, height, pixels: finish(canvas, random), symbols };
}

function placeCards(random: RandomStream, width: number, height: number, unit: number): Card[] {
  const count = 1 + random.int(4);
  const placed: Card[] = [];
  const reach = Math.hypot(...HALF) * unit;
  for (let card = 0; card < count; card++) {
    const category = random.int(GLYPHS.length);
    for (let tried = 0; tried < TRIES; tried++) {
      const inset = reach * 0.75;
      const center = [between(random, inset, width - inset), between(random, inset, height - inset)] as const;
      const isFree = placed.every(
        (other) => Math.hypot(other.center[0] - center[0], other.center[1] - center[1]) > 2 * reach,
      );
      if (!isFree) continue;
      placed.push({ center, unit: unit * between(random, 0.85, 1.15), angle: random.float() * 2 * Math.PI, category });
      break;
    }
  }
  return placed;
}

function paintCard(random: RandomStream, canvas: Canvas, card: Card, light: Rgb): PhotoSymbol[] {
  const [wide, high] = HALF;
  const sheet: Outline = {
    name: 'card',
    turn: 0,
    lines: [
      [
        [-wide, -high],
        [wide, -high],
        [wide, high],
        [-wide, high],
      ],
    ],
  };
  const paper = mix(light, [255, 255, 255], between(random, 0.2, 0.8));
  const ink: Rgb = chance(random, 0.5) ? [170, 30, 35] : [30, 30, 40];
  paint(canvas, sheet, { ...card, soft: 3, shift: 4 }, [10, 10, 15], 0.4);
  paint(canvas, sheet, { ...card, soft: 0.7, shift: 0 }, paper, 1);
  // Draw a picture in the middle of the card that carries no information about the class.
  for (let blob = 0; blob < 5; blob++) {
    const spot = at(card, [between(random, -1.6, 1.6), between(random, -1.8, 1.8)]);
    const disc: Outline = {
      name: 'blob',
      turn: 0,
      pen: 0.4,
      lines: [
        [
          [-0.6, 0],
          [between(random, -0.5, 1), between(random, -1, 1)],
        ],
      ],
    };
    const angle = random.float() * 6;
    paint(
      canvas,
      disc,
      { center: spot, unit: card.unit * 0.8, angle, soft: 0.7, shift: 0 },
      hsl(random.int(360), 0.5, 0.5),
      0.9,
    );
  }
  const stretch = between(random, 0.9, 1.1);
  return [card.angle, card.angle + Math.PI].flatMap((angle) => {
    const center = at({ ...card, angle }, CORNER);
    const glyph = GLYPHS[card.category] as Outline;
    const box = paint(canvas, glyph, { center, unit: card.unit, angle, stretch, soft: 0.7, shift: 0 }, ink, 0.92);
    const seen = [
      clamp(box[0], 0, canvas.width),
      clamp(box[1], 0, canvas.height),
      clamp(box[2], 0, canvas.width),
      clamp(box[3], 0, canvas.height),
    ] as const;
    const share = ((seen[2] - seen[0]) * (seen[3] - seen[1])) / ((box[2] - box[0]) * (box[3] - box[1]));
    return share > 0.6 ? [{ category: card.category, box: seen }] : [];
  });
}

/** Converts a position on a card to a position in the photo, in pixels. */
function at({ center, unit, angle }: Pick<Card, 'center' | 'unit' | 'angle'>, [x, y]: Point): Point {
  const [cos, sin] = [Math.cos(angle) * unit, Math.sin(angle) * unit];
  return [center[0] + x * cos - y * sin, center[1] + x * sin + y * cos];
}

interface Brush {
  readonly center: Point;
  readonly unit: number;
  readonly angle: number;
  readonly stretch?: number;
  /** Width of the soft edge in pixels. */
  readonly soft: number;
  /** Offset to the right and down in pixels. */
  readonly shift: number;
}

/** Paints an outline in one color. @returns its bounding box with a margin of two pixels */
function paint(
  canvas: Canvas,
  outline: Outline,
  brush: Brush,
  color: Rgb,
  opacity: number,
): [number, number, number, number] {
  const { center, unit: radius, angle, stretch = 1, soft, shift } = brush;
  const field = distanceField(outline, { center, radius, angle, stretch }, soft + 2);
  const box: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let y = 0; y < field.height; y++) {
    for (let x = 0; x < field.width; x++) {
      const covered = 1 - smoothstep(-soft, soft, field.data[y * field.width + x] as number);
      if (covered === 0) continue;
      const [column, row] = [field.left + x + shift, field.top + y + shift];
      if (covered > 0.5) {
        box[0] = Math.min(box[0], column - 2);
        box[1] = Math.min(box[1], row - 2);
        box[2] = Math.max(box[2], column + 3);
        box[3] = Math.max(box[3], row + 3);
      }
      if (column >= 0 && column < canvas.width && row >= 0 && row < canvas.height)
        blend(canvas, row * canvas.width + column, color, covered * opacity);
    }
  }
  return box;
}

/** Adds uneven light and camera grain, and rounds to bytes. */
function finish({ data, width, height }: Canvas, random: RandomStream): Uint8Array {
  const [slopeX, slopeY, strength, light] = [
    between(random, -0.4, 0.4),
    between(random, -0.4, 0.4),
    between(random, 2, 9),
    between(random, 0.65, 1.1),
  ];
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0, place = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const factor = light + slopeX * (x / width - 0.5) + slopeY * (y / height - 0.5);
      const added = strength * grain(x, y);
      for (let channel = 0; channel < 3; channel++, place++)
        pixels[place] = clamp((data[place] as number) * factor + added, 0, 255);
    }
  }
  return pixels;
}
