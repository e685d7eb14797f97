import { join } from 'node:path';
import { build } from 'esbuild';
import sharp from 'sharp';
import { readPixels } from './pixels.ts';
import { resize } from './resize.ts';

/** Bytes without any pattern, so that no mistake cancels out. */
function noise(width: number, height: number, channels: 3 | 4): { data: Uint8Array; width: number; height: number } {
  let state = 1;
  const next = (): number => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 24;
  return { data: Uint8Array.from({ length: width * height * channels }, next), width, height };
}

it.each([
  [100, 80, 50, 40],
  [100, 80, 37, 61],
  [100, 80, 99, 79],
  // Averaged before: by the same whole number along both axes, and by two others.
  [313, 250, 40, 30],
  [160, 120, 32, 24],
  [97, 61, 13, 7],
  [50, 40, 1, 1],
  // Larger along both axes, and along one of them.
  [40, 30, 100, 77],
  [1, 1, 5, 5],
  [40, 30, 40, 60],
  [300, 20, 30, 200],
  [20, 30, 200, 5],
  [5, 5, 5, 5],
])('resizes %d x %d to the bytes that the loader makes of it at %d x %d', async (width, height, toWidth, toHeight) => {
  const picture = noise(width, height, 3);
  const raw = { width, height, channels: 3 } as const;
  const wanted = await sharp(picture.data, { raw }).resize(toWidth, toHeight, { fit: 'fill' }).raw().toBuffer();
  const resized = resize(picture, toWidth, toHeight);
  expect([resized.width, resized.height]).toEqual([toWidth, toHeight]);
  expect(Buffer.compare(resized.data, wanted)).toBe(0);
});

it('blends transparent pixels with white as the loader does', async () => {
  const picture = noise(31, 17, 4);
  const raw = { width: 31, height: 17, channels: 4 } as const;
  const wanted = await sharp(picture.data, { raw }).flatten({ background: '#fff' }).raw().toBuffer();
  expect(Buffer.compare(readPixels(picture).data, wanted)).toBe(0);
});

it('imports no module of Node', async () => {
  const entryPoints = [join(import.meta.dirname, 'index.ts')];
  const { metafile } = await build({ entryPoints, bundle: true, platform: 'browser', write: false, metafile: true });
  const used = Object.keys(metafile.inputs);
  expect(used.length).toBeGreaterThan(5);
  expect(used.filter((path) => !path.includes('packages/inference/src'))).toEqual([]);
});
