import { makeImage } from './image.ts';

describe('makeImage', () => {
  it('turns floats into bytes, clamped, NaN to 0', () => {
    const data = Float32Array.of(0, 0.5, 1, -1, 2, Number.NaN);
    const image = makeImage('x', { data, height: 1, width: 2, channels: 3 }, 4);
    expect(image).toMatchObject({ name: 'x', iteration: 4, height: 1, width: 2, channels: 3 });
    expect([...image.data]).toEqual([0, 128, 255, 0, 255, 0]);
  });

  it.each([Uint8Array, Uint8ClampedArray])('copies %p, so that the caller may reuse it', (Kind) => {
    const data = Kind.of(1, 2);
    const image = makeImage('x', { data, height: 2, width: 1, channels: 1 }, 0);
    data[0] = 9;
    expect([...image.data]).toEqual([1, 2]);
  });

  const data = new Uint8Array(12);
  it.each([
    { data: [1, 2, 3], height: 1, width: 1, channels: 3 },
    { data: new Float64Array(3), height: 1, width: 1, channels: 3 },
    { data, height: 2, width: 2, channels: 4 },
    { data, height: 0, width: 2, channels: 3 },
    { data, height: 1, width: 2, channels: 6 },
    { data, height: 1.5, width: 8, channels: 1 },
  ])('refuses %j', (image) => {
    expect(() => makeImage('x', image as never, 0)).toThrow(expect.objectContaining({ code: 'HKL_IMAGE' }) as Error);
  });
});
