import { hashFields } from './hash-fields.ts';

describe('the hash of arrays', () => {
  const field = (size: number, changed = -1) => {
    const data = new Uint8Array(size).map((_, place) => place % 251);
    if (changed >= 0) data[changed] = 255;
    return hashFields({ x: { data, shape: [size] } });
  };

  it('changes with a number, a shape and a name', () => {
    const x = { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] as const };
    const expected = hashFields({ x });
    expect(hashFields({ x: { ...x, data: Float32Array.of(1, 2, 3, 5) } })).not.toBe(expected);
    expect(hashFields({ x: { ...x, shape: [4] } })).not.toBe(expected);
    expect(hashFields({ y: x })).not.toBe(expected);
    expect(hashFields({ x: { ...x } })).toBe(expected);
  });

  it('looks at blocks from the beginning to the end of large ones', () => {
    const size = 2 ** 24 + 2 ** 23;
    const expected = field(size);
    expect(field(size, 0)).not.toBe(expected);
    expect(field(size, size - 1)).not.toBe(expected);
    expect(field(size)).toBe(expected);
  });
});
