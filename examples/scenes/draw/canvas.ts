import type { Rgb } from './color.ts';

/** One number for each pixel, in row-major order from the top left. */
export interface Field {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** A picture being painted: three numbers from 0 to 255 for each pixel, not rounded. */
export type Canvas = Field;

export const emptyField = (width: number, height: number): Field => ({
  data: new Float32Array(width * height),
  width,
  height,
});

/** Blends a color over a pixel. An `opacity` of 0 leaves the pixel unchanged, 1 replaces it. */
export function blend({ data }: Canvas, pixel: number, [red, green, blue]: Rgb, opacity: number): void {
  const at = pixel * 3;
  const kept = 1 - opacity;
  data[at] = (data[at] as number) * kept + red * opacity;
  data[at + 1] = (data[at + 1] as number) * kept + green * opacity;
  data[at + 2] = (data[at + 2] as number) * kept + blue * opacity;
}
