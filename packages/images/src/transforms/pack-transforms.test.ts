import { AffineTransform, rotationTransform } from './affine-transform.ts';
import { BlendTransform, ShiftColorTransform } from './color-transform.ts';
import { FlipTransform } from './flip-transform.ts';
import { packTransforms, unpackTransforms } from './pack-transforms.ts';
import { ResizeTransform } from './resize-transform.ts';
import { TransformList } from './transform.ts';
import { cropTransform, padTransform } from './window-transform.ts';

const image = {
  data: Uint8Array.from({ length: 8 * 6 * 3 }, (_, i) => (i * 37) % 256),
  width: 8,
  height: 6,
  channels: 3,
};

it('restores every kind of transform', () => {
  const lists = [
    [new AffineTransform({ matrix: [1, 0.25, -0, 0, 0.5, 1 / 3], width: 8, height: 6, newWidth: 9, fill: 3 })],
    [rotationTransform({ angle: 33, width: 8, height: 6 }).inverse().inverse()],
    [new BlendTransform('grey', 0.3), new BlendTransform('mean', 1.1), new ShiftColorTransform([1.5, -2, 0])],
    [new FlipTransform('vertical', 8, 6), new ResizeTransform(8, 6, 5, 11)],
    [
      cropTransform({ x: 1, y: 2, width: 4, height: 3 }, 8, 6),
      padTransform({ left: 1, top: 0, right: 2, bottom: 3 }, 4, 3, 9),
    ],
    [],
  ].map((list) => new TransformList(list));
  const back = unpackTransforms(packTransforms(lists));
  expect(back).toStrictEqual(lists);
  const boxes = Float32Array.of(1, 2, 5, 4);
  for (const [place, list] of lists.entries()) {
    expect(back[place]!.applyImage(image)).toEqual(list.applyImage(image));
    expect(back[place]!.applyBoxes(boxes)).toEqual(list.applyBoxes(boxes));
    expect(back[place]!.inverse().applyBoxes(boxes)).toEqual(list.inverse().applyBoxes(boxes));
  }
});

it('refuses an unknown class, even one derived from a known one', () => {
  class Shear extends FlipTransform {}
  const packed = packTransforms([new TransformList([new Shear('vertical', 8, 6)])]);
  expect(() => unpackTransforms(packed)).toThrow(/HKL_TRANSFORM_FOREIGN.*user-defined class "Shear".*workers: 0/);
});
