import type { Color } from './canvas.ts';

/** Hue step in degrees. The golden angle keeps hues far apart for any number of classes. */
const GOLDEN_ANGLE = 137.508;
const FIRST_HUE = 205;

/** The color of a class: bright, and far from the colors of the classes before it. */
export function classColor(index: number): Color {
  const hue = (FIRST_HUE + index * GOLDEN_ANGLE) % 360;
  const channel = (offset: number): number => {
    const place = (offset + hue / 30) % 12;
    return Math.round(255 * (0.55 - 0.45 * Math.max(-1, Math.min(place - 3, 9 - place, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** Black or white, whichever reads better on a color. */
export function textColor([red, green, blue]: Color): Color {
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? [0, 0, 0] : [255, 255, 255];
}
