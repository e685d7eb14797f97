import { RandomStream } from '@hookline/core';
import { augment } from './augmentation.ts';
import type { Image } from './image.ts';
import { randomWindow, type RandomWindowOptions } from './window-augmentation.ts';

const [WIDTH, HEIGHT] = [120, 80];
const image: Image<Uint8Array> = {
  data: new Uint8Array(WIDTH * HEIGHT * 3).fill(50),
  width: WIDTH,
  height: HEIGHT,
  channels: 3,
};
/** A white object in a dark image. */
const boxes = Float32Array.of(90, 20, 102, 28);
for (let y = 20; y < 28; y++) image.data.fill(255, (y * WIDTH + 90) * 3, (y * WIDTH + 102) * 3);

const run = (options: Partial<RandomWindowOptions>, seed: number) =>
  augment([randomWindow({ width: 48, height: 32, ...options })], { image, boxes }, new RandomStream(seed));
const many = (options: Partial<RandomWindowOptions>) => Array.from({ length: 25 }, (_, seed) => run(options, seed));

/** The box around the white pixels of an image. */
function whiteOf({ data, width, height }: Image): number[] {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if ((data[(y * width + x) * 3] ?? 0) < 150) continue;
      const edges = [Math.min(box[0]!, x), Math.min(box[1]!, y), Math.max(box[2]!, x + 1), Math.max(box[3]!, y + 1)];
      box.splice(0, 4, ...edges);
    }
  return box;
}

it('contains the whole object at varying places, and boxes follow the pixels', () => {
  for (const quarterTurns of [false, true]) {
    const places = new Set<string>();
    for (const { image: seen, boxes: moved } of many({ quarterTurns, onObject: 1, scale: 0.2 })) {
      expect([seen.width, seen.height]).toEqual([48, 32]);
      const white = whiteOf(seen);
      moved.forEach((edge, place) => expect(Math.abs(edge - white[place]!)).toBeLessThan(1.01));
      expect(Math.min(...moved)).toBeGreaterThanOrEqual(-1e-3);
      expect(moved[2]).toBeLessThanOrEqual(48.001);
      expect(moved[3]).toBeLessThanOrEqual(32.001);
      places.add(white.join());
    }
    expect(places.size).toBeGreaterThan(15);
  }
});

it('rotates exactly by quarter turns, and by other angles within the limit', () => {
  const shapes = many({ quarterTurns: true, scale: 0 }).map(({ boxes: [x0 = 0, y0 = 0, x1 = 0, y1 = 0] }) =>
    [x1 - x0, y1 - y0].map((side) => side.toFixed(3)).join('x'),
  );
  expect([...new Set(shapes)].sort()).toEqual(['12.000x8.000', '8.000x12.000']);
  const turned = many({ angle: 20, scale: 0 }).map(({ boxes: [x0 = 0, , x1 = 0] }) => x1 - x0);
  expect(Math.max(...turned)).toBeGreaterThan(13);
});

it('shows nothing outside the image unless it must, and all of a smaller image', () => {
  const fill = 7;
  for (const { image: seen } of many({ fill, scale: 0 })) expect(seen.data.includes(fill)).toBe(false);
  for (const { image: seen, boxes: moved } of many({ fill, scale: 0, width: 150, height: 150 })) {
    expect(seen.data.filter((value) => value !== fill)).toHaveLength(image.data.length);
    const white = whiteOf(seen);
    moved.forEach((edge, place) => expect(Math.abs(edge - white[place]!)).toBeLessThan(1.01));
  }
});

it('is placed elsewhere as often as onObject says, and anywhere without an object', () => {
  const holds = many({ onObject: 0, scale: 0 }).filter(({ image: seen }) => seen.data.includes(255)).length;
  expect(holds).toBeLessThan(18);
  const none = { image, boxes: new Float32Array() };
  const window = randomWindow({ width: 48, height: 32 });
  expect(augment([window], none, new RandomStream(1)).boxes).toEqual(new Float32Array());
});

it('refuses options that make no sense', () => {
  expect(() => randomWindow({ width: 0, height: 32 })).toThrow(/HKL_AUGMENTATION_OPTION.*whole numbers/s);
  expect(() => randomWindow({ width: 32, height: 32, onObject: 2 })).toThrow(/HKL_AUGMENTATION_OPTION.*onObject/s);
  expect(() => randomWindow({ width: 32, height: 32, angle: -1 })).toThrow(/HKL_AUGMENTATION_OPTION/);
});
