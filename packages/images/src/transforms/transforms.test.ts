import { RandomStream } from '@hookline/core';
import { AffineTransform, extentTransform, rotationTransform } from './affine-transform.ts';
import { BlendTransform, ShiftColorTransform } from './color-transform.ts';
import { FlipTransform } from './flip-transform.ts';
import type { Image } from './image.ts';
import { ResizeTransform } from './resize-transform.ts';
import { NO_TRANSFORM, TransformList, type Transform } from './transform.ts';
import { cropTransform, padTransform, WindowTransform } from './window-transform.ts';

const grey = (rows: number[][]): Image<Uint8Array> => ({
  data: Uint8Array.from(rows.flat()),
  width: rows[0]!.length,
  height: rows.length,
  channels: 1,
});
const rows = ({ data, width, height }: Image): number[][] =>
  Array.from({ length: height }, (_, y) => [...data.subarray(y * width, (y + 1) * width)]);
const boxes = Float32Array.of(1, 2, 5, 4, 0, 0, 8, 6);
const smooth = (width: number, height: number): Image<Float32Array> => ({
  data: Float32Array.from({ length: width * height }, (_, i) => 2 * (i % width) + 3 * Math.floor(i / width)),
  width,
  height,
  channels: 1,
});

describe('transforms of 8x6 images', () => {
  const cases: [string, Transform, [number, number], number[]][] = [
    ['horizontal flip', new FlipTransform('horizontal', 8, 6), [8, 6], [3, 2, 7, 4, 0, 0, 8, 6]],
    ['vertical flip', new FlipTransform('vertical', 8, 6), [8, 6], [1, 2, 5, 4, 0, 0, 8, 6]],
    ['resize', new ResizeTransform(8, 6, 16, 3), [16, 3], [2, 1, 10, 2, 0, 0, 16, 3]],
    ['crop', cropTransform({ x: 1, y: 2, width: 4, height: 3 }, 8, 6), [4, 3], [0, 0, 4, 2, -1, -2, 7, 4]],
    ['pad', padTransform({ left: 1, top: 0, right: 2, bottom: 3 }, 8, 6), [11, 9], [2, 2, 6, 4, 1, 0, 9, 6]],
    [
      'extent',
      extentTransform([-4, 0, 4, 6], { width: 8, height: 6, newWidth: 16, newHeight: 6 }),
      [16, 6],
      [10, 2, 18, 4, 8, 0, 24, 6],
    ],
    ['quarter turn', rotationTransform({ angle: 90, width: 8, height: 6 }), [6, 8], [2, 3, 4, 7, 0, 0, 6, 8]],
    [
      'half turn in place',
      rotationTransform({ angle: 180, width: 8, height: 6, expand: false }),
      [8, 6],
      [3, 2, 7, 4, 0, 0, 8, 6],
    ],
  ];
  it.each(cases)('%s: size, boxes, and back', (_, transform, [width, height], expected) => {
    const image = transform.applyImage(smooth(8, 6));
    expect([image.width, image.height, image.data.length]).toEqual([width, height, width * height]);
    expect([...transform.applyBoxes(boxes)].map((edge) => Math.round(edge * 1e4) / 1e4 + 0)).toEqual(expected);
    const back = transform.inverse();
    expect([...back.applyBoxes(transform.applyBoxes(boxes))].map((edge) => Math.round(edge * 1e4) / 1e4 + 0)).toEqual([
      ...boxes,
    ]);
    expect(back.applyImage(image)).toMatchObject({ width: 8, height: 6 });
    expect(() => transform.applyImage(smooth(7, 6))).toThrow(/HKL_IMAGE_SHAPE.*8x6.*7x6/);
  });

  it('moves pixels and boxes alike for every transform', () => {
    const image = { ...smooth(40, 30), data: new Float32Array(1200) };
    for (let y = 10; y < 16; y++) image.data.fill(200, y * 40 + 8, y * 40 + 20);
    const marked = Float32Array.of(8, 10, 20, 16);
    const list = [
      new FlipTransform('horizontal', 40, 30),
      new ResizeTransform(40, 30, 80, 60),
      rotationTransform({ angle: 90, width: 40, height: 30 }),
      new AffineTransform({ matrix: [1.5, 0, -5, 0, 1.5, 3], width: 40, height: 30 }),
      extentTransform([-4, -3, 36, 27], { width: 40, height: 30, newWidth: 80, newHeight: 60 }),
      new WindowTransform({ x: 3, y: 5, width: 50, height: 12 }, 40, 30),
    ];
    for (const transform of list) {
      const moved = transform.applyImage(image);
      const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = transform.applyBoxes(marked);
      let [inside, outside] = [Infinity, 0];
      for (let y = 0; y < moved.height; y++) {
        for (let x = 0; x < moved.width; x++) {
          const value = moved.data[y * moved.width + x]!;
          const deep = Math.min(x + 0.5 - x0, y + 0.5 - y0, x1 - x - 0.5, y1 - y - 0.5);
          if (deep > 1.5) inside = Math.min(inside, value);
          if (deep < -1.5) outside = Math.max(outside, value);
        }
      }
      expect([Math.round(inside), Math.round(outside)]).toEqual([200, 0]);
    }
  });
});

describe('pixels', () => {
  const image = grey([
    [1, 2, 3],
    [4, 5, 6],
  ]);

  it('are flipped, cut and padded exactly', () => {
    expect(rows(new FlipTransform('horizontal', 3, 2).applyImage(image))).toEqual([
      [3, 2, 1],
      [6, 5, 4],
    ]);
    expect(rows(new FlipTransform('vertical', 3, 2).applyImage(image))).toEqual([
      [4, 5, 6],
      [1, 2, 3],
    ]);
    const window = new WindowTransform({ x: 1, y: -1, width: 3, height: 2 }, 3, 2, 9);
    expect(rows(window.applyImage(image))).toEqual([
      [9, 9, 9],
      [2, 3, 9],
    ]);
    expect(rows(new WindowTransform({ x: 5, y: 5, width: 2, height: 1 }, 3, 2, 7).applyImage(image))).toEqual([[7, 7]]);
    expect(rows(rotationTransform({ angle: 90, width: 3, height: 2 }).applyImage(image))).toEqual([
      [3, 6],
      [2, 5],
      [1, 4],
    ]);
  });

  it('do not change under the identity, and the argument is not modified', () => {
    const before = image.data.slice();
    expect(rows(new ResizeTransform(3, 2, 3, 2).applyImage(image))).toEqual(rows(image));
    expect(rows(new AffineTransform({ matrix: [1, 0, 0, 0, 1, 0], width: 3, height: 2 }).applyImage(image))).toEqual(
      rows(image),
    );
    new BlendTransform('black', 2).applyImage(image);
    expect(image.data).toEqual(before);
  });

  it('are averaged when an image shrinks, and keep a plane when it is sampled', () => {
    const checks = grey(Array.from({ length: 8 }, (_, y) => Array.from({ length: 8 }, (_, x) => ((x + y) % 2) * 200)));
    for (const value of new ResizeTransform(8, 8, 2, 2).applyImage(checks).data)
      expect(Math.abs(value - 100)).toBeLessThan(8);
    const turned = new AffineTransform({ matrix: [1, 0, 0.25, 0, 1, 0.5], width: 8, height: 6 }).applyImage(
      smooth(8, 6),
    );
    expect(turned.data[3 * 8 + 4]).toBeCloseTo(2 * 3.75 + 3 * 2.5, 4);
  });

  it('are blended with mean, black and grey, clamped to 0 to 255', () => {
    const two = grey([[50, 150]]);
    expect([...new BlendTransform('mean', 2).applyImage(two).data]).toEqual([0, 200]);
    expect([...new BlendTransform('mean', 0).applyImage(two).data]).toEqual([100, 100]);
    expect([...new BlendTransform('black', 2).applyImage(two).data]).toEqual([100, 255]);
    const red: Image<Uint8Array> = { data: Uint8Array.of(200, 100, 50), width: 1, height: 1, channels: 3 };
    const luma = Math.round(0.299 * 200 + 0.587 * 100 + 0.114 * 50);
    expect([...new BlendTransform('grey', 0).applyImage(red).data]).toEqual([luma, luma, luma]);
    expect([...new BlendTransform('grey', 1).applyImage(red).data]).toEqual([200, 100, 50]);
    const floats = { ...red, data: Float32Array.from(red.data) };
    expect([...new ShiftColorTransform([0.5, -101, 300]).applyImage(floats).data]).toEqual([200.5, 0, 255]);
    expect(new BlendTransform('mean', 1).inverse()).toBe(NO_TRANSFORM);
  });

  it('are sampled alike as bytes and floats, rotated or only scaled', () => {
    const bytes: Image<Uint8Array> = {
      data: Uint8Array.from({ length: 9 * 7 * 3 }, (_, i) => (i * 53) % 256),
      width: 9,
      height: 7,
      channels: 3,
    };
    const floats = { ...bytes, data: Float32Array.from(bytes.data) };
    const matrices = [
      [1.7, 0, -2, 0, 0.6, 1],
      [-1, 0, 9, 0, 1.2, -1],
      [0.8, 0.5, -1, -0.4, 1.1, 2],
      [0, 1, 0, 1, 0, 0],
      [0.2, 0, 40, 0, 1, 0],
    ];
    for (const matrix of matrices) {
      const transform = new AffineTransform({
        matrix: matrix as never,
        width: 9,
        height: 7,
        newWidth: 11,
        newHeight: 8,
        fill: 7,
      });
      const [rough, exact] = [transform.applyImage(bytes).data, transform.applyImage(floats).data];
      rough.forEach((value, at) => expect(Math.abs(value - exact[at]!)).toBeLessThan(1));
      expect(matrix[2] === 40 || new Set(rough).size > 20).toBe(true);
    }
  });

  it('have no inverse under a singular matrix', () => {
    expect(() => new AffineTransform({ matrix: [1, 2, 0, 2, 4, 0], width: 1, height: 1 })).toThrow(
      /HKL_TRANSFORM_SINGULAR/,
    );
  });
});

describe('TransformList', () => {
  it('applies in order, inverts in reverse, and is flat', () => {
    const random = new RandomStream(1);
    const inner = new TransformList([new ResizeTransform(8, 6, 16, 12), NO_TRANSFORM]);
    const list = new TransformList([
      cropTransform({ x: 1, y: 1, width: 6, height: 4 }, 8, 6),
      new TransformList([]),
      padTransform({ left: 1, top: 1, right: 1, bottom: 1 }, 6, 4),
      inner,
      rotationTransform({ angle: 30 * random.float(), width: 16, height: 12 }),
    ]);
    expect(list.transforms).toHaveLength(4);
    const point = Float32Array.of(2, 3, 2, 3);
    const moved = list.applyBoxes(point);
    expect(moved).not.toEqual(point);
    list
      .inverse()
      .applyBoxes(moved)
      .forEach((edge, i) => expect(edge).toBeCloseTo(point[i]!, 4));
    expect(list.inverse().applyImage(list.applyImage(smooth(8, 6)))).toMatchObject({ width: 8, height: 6 });
  });
});
