// The plugin
export { plots } from './plugin.ts';
export type { PlotsOptions } from './options.ts';

// Drawing by itself
export { drawFigure, type Figure } from './figure.ts';
export type { Panel } from './panel.ts';
export type { PanelCurve } from './panel-curve.ts';
export { Curve, type CurvePoint } from './curve.ts';
