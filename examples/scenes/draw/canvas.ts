import type { Rgb } from './color.ts';

/** One number for each pixel: rows from the top, pixels from the left. */
export interface Field {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** A picture while it is painted: three numbers for each pixel, 0 to 255, not rounded. */
export type Canvas = Field;

export const emptyField = (width: number, height: number): Field => ({
  data: new Float32Array(width * height),
  width,
  height,
});

/** Lays a color over a pixel; `opacity` 0 leaves the pixel as it is, 1 replaces it. */
export function blend({ data }: Canvas, pixel: number, [red, green, blue]: Rgb, opacity: number): void {
  const at = pixel * 3;
  const kept = 1 - opacity;
  data[at] = (data[at] as number) * kept + red * opacity;
  data[at + 1] = (data[at + 1] as number) * kept + green * opacity;
  data[at + 2] = (data[at + 2] as number) * kept + blue * opacity;
}
