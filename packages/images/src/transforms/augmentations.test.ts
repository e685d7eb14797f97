import { RandomStream } from '@hookline/core';
import { augment, type Augmentation } from './augmentation.ts';
import { specOf } from './augmentation-spec.ts';
import { randomBrightness, randomContrast, randomLighting, randomSaturation } from './color-augmentations.ts';
import { fixedSizeCrop, minIoURandomCrop, randomCrop } from './crop-augmentations.ts';
import type { Image } from './image.ts';
import { randomAffine, randomApply, randomExtent, randomFlip, randomRotation } from './random-augmentations.ts';
import { resize, resizeScale, resizeShortestEdge } from './resize-augmentations.ts';
import { reviveAugmentation } from './revive-augmentation.ts';
import { randomWindow } from './window-augmentation.ts';
import { NO_TRANSFORM } from './transform.ts';

const image: Image<Uint8Array> = {
  data: Uint8Array.from({ length: 40 * 30 * 3 }, (_, i) => (i * 31) % 256),
  width: 40,
  height: 30,
  channels: 3,
};
const boxes = Float32Array.of(5, 5, 20, 25);
const run = (augmentation: Augmentation, seed = 1) => augment([augmentation], { image, boxes }, new RandomStream(seed));
const sizes = (augmentation: Augmentation, seeds = 40) =>
  Array.from({ length: seeds }, (_, seed) => run(augmentation, seed).image).map(({ width, height }) => [width, height]);
const distinct = (list: unknown[]) => new Set(list.map((each) => JSON.stringify(each))).size;

const ALL: Augmentation[] = [
  resize({ width: 20, height: 20 }),
  resizeShortestEdge({ lengths: [15, 45], sampling: 'range', maxSize: 50 }),
  resizeScale({ minScale: 0.5, maxScale: 2, width: 40, height: 40 }),
  randomFlip(),
  randomCrop({ type: 'relative_range', size: [0.5, 0.5] }),
  fixedSizeCrop({ width: 50, height: 20 }),
  minIoURandomCrop(),
  randomRotation({ angles: [-30, 30] }),
  randomExtent({ scale: [0.5, 1.5], shift: [0.2, 0.2] }),
  randomAffine(),
  randomWindow({ width: 24, height: 20 }),
  randomContrast(0.5, 1.5),
  randomBrightness(0.5, 1.5),
  randomSaturation(0.5, 1.5),
  randomLighting(0.1),
];

describe('augmentations', () => {
  it.each(ALL.map((each) => [each.name, each] as const))(
    '%s: equal for equal seeds, and its inverse goes back',
    (_, each) => {
      const before = image.data.slice();
      const [first, again] = [run(each), run(each)];
      expect(again.image).toEqual(first.image);
      expect(again.boxes).toEqual(first.boxes);
      expect(first.image.data).toBeInstanceOf(Uint8Array);
      // A box around a rotated box is larger.
      if (each.name !== 'randomRotation')
        first.transform
          .inverse()
          .applyBoxes(first.boxes)
          .forEach((edge, i) => expect(edge).toBeCloseTo(boxes[i]!, 3));
      expect(image.data).toEqual(before);
      if (each.name !== 'resize')
        expect(distinct(Array.from({ length: 20 }, (_, seed) => [...run(each, seed).image.data]))).toBeGreaterThan(1);
    },
  );

  it.each(
    [...ALL, randomApply(ALL[3]!), randomApply(ALL[9]!, { probability: 0.9 })].map(
      (each) => [each.name, each] as const,
    ),
  )('%s: another thread makes the same one from its description', async (_, each) => {
    const again = await reviveAugmentation(structuredClone(specOf(each)!));
    expect(again.name).toBe(each.name);
    for (let seed = 0; seed < 5; seed++) expect(run(again, seed)).toEqual(run(each, seed));
  });

  it('have no specification when this package did not make them', () => {
    expect(specOf({ ...randomFlip(), decide: () => NO_TRANSFORM })).toBeUndefined();
    expect(specOf(randomApply({ ...randomFlip() }))).toBeUndefined();
    const angles = Object.assign([10] as [number], { more: () => 0 });
    expect(specOf(randomRotation({ angles }))).toBeUndefined();
    expect(() => Object.assign(randomFlip(), { decide: () => NO_TRANSFORM })).toThrow(TypeError);
  });

  it('work on the output of the ones before', () => {
    const { image: made, boxes: moved, transform } = augment(ALL, { image, boxes }, new RandomStream(4));
    expect(made.data).toHaveLength(made.width * made.height * 3);
    expect(transform.applyImage(image)).toEqual(made);
    transform.applyBoxes(boxes).forEach((edge, i) => expect(edge).toBeCloseTo(moved[i]!, 3));
  });

  it('resizeShortestEdge keeps proportions and the longest edge', () => {
    expect(sizes(resizeShortestEdge({ lengths: [60] }), 1)).toEqual([[80, 60]]);
    expect(sizes(resizeShortestEdge({ lengths: [60], maxSize: 50 }), 1)).toEqual([[50, 38]]);
    expect(sizes(resizeShortestEdge({ lengths: [0] }), 1)).toEqual([[40, 30]]);
    expect(distinct(sizes(resizeShortestEdge({ lengths: [15, 45] })))).toBe(2);
    expect(() => resizeShortestEdge({ lengths: [5, 4], sampling: 'range' })).toThrow(/HKL_AUGMENTATION_OPTION/);
    expect(() => resizeShortestEdge({ lengths: [5], sampling: 'range' })).toThrow(/needs two lengths/);
  });

  it('resizeScale fits into the scaled frame', () => {
    expect(sizes(resizeScale({ minScale: 0.5, maxScale: 0.5, width: 40, height: 40 }), 1)).toEqual([[20, 15]]);
  });

  it('randomCrop of each type has the documented sizes', () => {
    expect(distinct(sizes(randomCrop({ type: 'relative', size: [0.5, 0.25] })))).toBe(1);
    expect(sizes(randomCrop({ type: 'relative', size: [0.5, 0.25] }), 1)).toEqual([[10, 15]]);
    expect(sizes(randomCrop({ type: 'absolute', size: [10, 99] }), 1)).toEqual([[40, 10]]);
    for (const [width = 0, height = 0] of sizes(randomCrop({ type: 'absolute_range', size: [10, 35] }))) {
      expect(width).toBeGreaterThanOrEqual(10);
      expect(width).toBeLessThanOrEqual(35);
      expect(height).toBeGreaterThanOrEqual(10);
      expect(height).toBeLessThanOrEqual(30);
    }
    for (const [width = 0, height = 0] of sizes(randomCrop({ type: 'relative_range', size: [0.5, 0.9] }))) {
      expect(height).toBeGreaterThanOrEqual(15);
      expect(width).toBeGreaterThanOrEqual(36);
    }
    expect(() => randomCrop({ type: 'relative', size: [2, 1] })).toThrow(/does not fit type "relative"/);
    expect(() => randomCrop({ type: 'absolute_range', size: [9, 3] })).toThrow(/does not fit/);
  });

  it('fixedSizeCrop cuts and pads to the size', () => {
    const { image: made } = run(fixedSizeCrop({ width: 50, height: 20, fill: 77 }));
    expect([made.width, made.height]).toEqual([50, 20]);
    expect([...made.data.subarray(40 * 3, 50 * 3)]).toEqual(Array(30).fill(77));
  });

  it('minIoURandomCrop keeps the centre of a box, and gives up when no crop qualifies', () => {
    const crop = minIoURandomCrop({ minIoU: [0.3] });
    let smaller = 0;
    for (let seed = 0; seed < 30; seed++) {
      const { image: made, boxes: moved } = run(crop, seed);
      if (made.width < 40) smaller++;
      const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = moved;
      expect((x0 + x1) / 2 > 0 && (x0 + x1) / 2 < made.width && (y0 + y1) / 2 > 0 && (y0 + y1) / 2 < made.height).toBe(
        true,
      );
    }
    expect(smaller).toBeGreaterThan(5);
    const far = Float32Array.of(-500, -500, -499, -499);
    expect(augment([crop], { image, boxes: far }, new RandomStream(3)).image).toBe(image);
  });

  it('randomFlip and randomApply follow their probability', () => {
    const flips = (probability: number) =>
      Array.from({ length: 200 }, (_, seed) => run(randomFlip({ probability }), seed).transform.transforms.length);
    expect(flips(0).reduce((a, b) => a + b)).toBe(0);
    expect(flips(1).reduce((a, b) => a + b)).toBe(200);
    expect(Math.abs(flips(0.5).reduce((a, b) => a + b) - 100)).toBeLessThan(40);
    expect(run(randomApply(resize({ width: 5, height: 5 }), { probability: 0 })).image).toBe(image);
    expect(run(randomApply(resize({ width: 5, height: 5 }), { probability: 1 })).image.width).toBe(5);
    expect(() => randomFlip({ direction: 'both' as never })).toThrow(/horizontal or vertical/);
    expect(() => randomFlip({ probability: 2 })).toThrow(/probability must be in/);
  });

  it('randomRotation by full turns does nothing; randomAffine keeps the size', () => {
    expect(run(randomRotation({ angles: [360, 720], sampling: 'choice' })).image).toBe(image);
    const { image: made, transform } = run(randomAffine({ scale: 0, shift: 0 }));
    expect(made).toEqual(image);
    expect([...transform.applyBoxes(boxes)]).toEqual([...boxes]);
    for (let seed = 0; seed < 20; seed++) {
      const [x0 = 0, , x1 = 0] = run(randomAffine({ scale: 0.35, shift: 0 }), seed).boxes;
      expect((x1 - x0) / 15).toBeGreaterThanOrEqual(Math.exp(-0.3501));
      expect((x1 - x0) / 15).toBeLessThanOrEqual(Math.exp(0.3501));
    }
  });

  it('fail with a transform that does not return a box for each box, or does not fit the channels of the image', () => {
    const losing: Augmentation = { name: 'losing', decide: () => ({ ...NO_TRANSFORM, applyBoxes: (b) => b.slice(4) }) };
    expect(() => run(losing)).toThrow('augmentation "losing" failed: its transform returned 0 boxes for 1');
    const grey = { data: new Uint8Array(4), width: 2, height: 2, channels: 1 };
    expect(() => augment([randomLighting(0.1)], { image: grey, boxes }, new RandomStream(1))).toThrow(
      'ShiftColorTransform: it shifts 3 channels, and the image has 1',
    );
  });
});
