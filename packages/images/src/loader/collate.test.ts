import { collate, type ImageType } from './collate.ts';
import type { MappedSample } from './detection-batch.ts';

/** A sample of one pixel. */
const sample = (data: MappedSample['image']['data']): MappedSample => ({
  ...{ file: 'a.png', image: { data, width: 1, height: 1 }, boxes: new Float32Array(), classes: [] },
  transform: { applyBoxes: (boxes: unknown) => boxes } as never,
});
const bytes = sample(Uint8Array.of(1, 2, 255));
const floats = sample(Float32Array.of(-3, 99.6, 300));

it.each<[ImageType, MappedSample[], Uint8Array | Float32Array]>([
  ['auto', [bytes, bytes], Uint8Array.of(1, 2, 255, 1, 2, 255)],
  ['auto', [bytes, floats], Float32Array.of(1, 2, 255, -3, 99.6, 300)],
  ['float32', [bytes], Float32Array.of(1, 2, 255)],
  ['uint8', [bytes, floats], Uint8Array.of(1, 2, 255, 0, 100, 255)],
])('with dtype %s, images are collated as bytes or floats', (dtype, samples, data) => {
  const { images } = collate(samples, { divisor: 1, maxBoxes: 0, fill: 114, dtype });
  expect(images).toEqual({ data, shape: [samples.length, 1, 1, 3], dtype: 'float32' });
});
