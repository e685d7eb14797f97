// The plugin
export { plots } from './plugin.ts';
export type { PlotsOptions } from './options.ts';

// Drawing by itself
export { drawFigure, type Figure } from './figure.ts';
export type { Panel, PanelCurve } from './panel.ts';
export { Curve, type CurvePoint } from './curve.ts';
