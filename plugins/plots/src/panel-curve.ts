import { CURVE_COLORS, DASHES } from './colors.ts';
import type { CurvePoint } from './curve.ts';

/** A curve of a panel. */
export interface PanelCurve {
  readonly label: string;
  readonly points: readonly CurvePoint[];
  /** The value shown in the legend. */
  readonly last: number;
  /** Whether a smoothed line is drawn over the faint values. */
  readonly smoothing: boolean;
}

/** Colour and dash pattern of a panel's curve by its index. */
export function curveStyle(index: number): { readonly color: string; readonly dash: string } {
  return {
    color: CURVE_COLORS[index % CURVE_COLORS.length] as string,
    dash: DASHES[Math.floor(index / CURVE_COLORS.length) % DASHES.length] as string,
  };
}
