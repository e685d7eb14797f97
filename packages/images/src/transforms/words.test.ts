import { AffineTransform } from './affine-transform.ts';
import { BlendTransform } from './color-transform.ts';
import { FlipTransform } from './flip-transform.ts';
import type { Image } from './image.ts';
import type { Transform } from './transform.ts';
import { packColors, wordsOf } from './words.ts';

/** Bytes that start `offset` bytes after a word boundary. */
function noise(length: number, offset: number): Uint8Array {
  const data = new Uint8Array(new ArrayBuffer(length + offset), offset);
  for (let at = 0; at < length; at++) data[at] = (at * 53 + (at >> 3) * 31) % 256;
  return data;
}
const image = (width: number, offset: number): Image<Uint8Array> => ({
  data: noise(width * 5 * 3, offset),
  width,
  height: 5,
  channels: 3,
});

it('bytes are viewed as words only when they are aligned', () => {
  expect(wordsOf(noise(9, 1))).toBeUndefined();
  expect(wordsOf(Uint8Array.of(1, 2, 3, 0, 255, 0, 0, 0, 9))).toEqual(Int32Array.of(0x30201, 255));
});

it.each([0, 1])('each colour is packed into one number, %i bytes after a word boundary', (offset) => {
  const data = noise(7 * 3, offset);
  const expected = [0, 1, 2, 3, 4, 5, 6].map((at) => Buffer.from(data).readUIntLE(at * 3, 3));
  expect([...packColors(data)]).toEqual([...expected, 0]);
});

// Rows of whole words, and others.
describe.each([8, 9])('images that are %i pixels wide', (width) => {
  const matrix = [1.4, 0, -2, 0, 0.7, 1] as const;
  const transforms: [string, Transform][] = [
    ['mirrored', new FlipTransform('horizontal', width, 5)],
    ['made brighter', new BlendTransform('black', 1.3)],
    ['given contrast', new BlendTransform('mean', 1.3)],
    ['scaled', new AffineTransform({ matrix, width, height: 5, fill: 7 })],
  ];

  it.each(transforms)('are %s alike, whether they are word-aligned or not', (_, transform) => {
    const [aligned, shifted] = [0, 1].map((offset) => transform.applyImage(image(width, offset)).data);
    expect(aligned).toEqual(shifted);
    expect(aligned).not.toEqual(image(width, 0).data);
  });

  it('are scaled to the same values as floats, within rounding', () => {
    const transform = new AffineTransform({ matrix, width, height: 5, fill: 7 });
    const bytes = image(width, 0);
    const exact = transform.applyImage({ ...bytes, data: Float32Array.from(bytes.data) }).data;
    transform.applyImage(bytes).data.forEach((value, at) => expect(Math.abs(value - exact[at]!)).toBeLessThan(1));
  });
});
