/** Red, green and blue, 0 to 255, not rounded. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** Converts HSL to RGB: hue in degrees, saturation and lightness from 0 to 1. */
export function hsl(hue: number, saturation: number, lightness: number): Rgb {
  const reach = saturation * Math.min(lightness, 1 - lightness);
  const channel = (offset: number): number => {
    const place = (((offset + hue / 30) % 12) + 12) % 12;
    return 255 * (lightness - reach * Math.max(-1, Math.min(place - 3, 9 - place, 1)));
  };
  return [channel(0), channel(8), channel(4)];
}

/** Interpolates linearly between two colors; `share` is 0 for the first and 1 for the second. */
export function mix([r0, g0, b0]: Rgb, [r1, g1, b1]: Rgb, share: number): Rgb {
  return [r0 + (r1 - r0) * share, g0 + (g1 - g0) * share, b0 + (b1 - b0) * share];
}

/** Multiplies a color by a factor, `light`. */
export const lit = ([red, green, blue]: Rgb, light: number): Rgb => [red * light, green * light, blue * light];

/** Perceived contrast of two colors, 0 to 1. Lightness dominates it, as it does for the human eye. */
export function contrast([r0, g0, b0]: Rgb, [r1, g1, b1]: Rgb): number {
  const light = (0.3 * (r0 - r1) + 0.59 * (g0 - g1) + 0.11 * (b0 - b1)) / 255;
  const tint = Math.hypot(r0 - r1, g0 - g1, b0 - b1) / 442;
  return Math.max(Math.abs(light), tint * 0.8);
}
