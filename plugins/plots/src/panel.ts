import { type Axis, linearAxis, logAxis } from './axis.ts';
import { INK } from './colors.ts';
import type { CurvePoint } from './curve.ts';
import { layOutLegend, LEGEND_ROW } from './legend.ts';
import { curveStyle, type PanelCurve } from './panel-curve.ts';
import { smooth } from './smooth.ts';
import { element, escapeText, pointList } from './svg.ts';

/** Curves that share axes. */
export interface Panel {
  readonly title: string;
  readonly curves: readonly PanelCurve[];
  /** `auto`: logarithmic if all values are positive and span more than two decades. */
  readonly scale: 'linear' | 'auto';
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const MARGIN = { left: 58, right: 18, top: 36, bottom: 26 };

/** Draws a panel into a box; `iterations` is the range of the horizontal axis. */
export function drawPanel(panel: Panel, box: Box, iterations: readonly [number, number]): string {
  const legend = layOutLegend(panel.curves, box.width - MARGIN.left - MARGIN.right);
  const plot: Box = {
    x: box.x + MARGIN.left,
    y: box.y + MARGIN.top + legend.rows * LEGEND_ROW,
    width: box.width - MARGIN.left - MARGIN.right,
    height: box.height - MARGIN.top - MARGIN.bottom - legend.rows * LEGEND_ROW,
  };
  const horizontal = linearAxis(...iterations, Math.max(3, plot.width / 90), true);
  const { axis: vertical, logarithmic } = verticalAxis(panel, plot.height);
  const x = (iteration: number): number => plot.x + horizontal.position(iteration) * plot.width;
  const y = (value: number): number => plot.y + (1 - vertical.position(value)) * plot.height;

  const title = element('tspan', { 'font-weight': '600', fill: INK.text }, escapeText(panel.title));
  const note = logarithmic ? element('tspan', { fill: INK.muted, 'font-size': '11' }, '  log scale') : '';
  return element(
    'g',
    {},
    [
      element('text', { x: plot.x, y: box.y + 18, 'font-size': '13', 'xml:space': 'preserve' }, title + note),
      legend.draw(plot.x, box.y + MARGIN.top - 8),
      ...vertical.ticks.map(({ value, label }) => horizontalLine(plot, y(value), label)),
      ...horizontal.ticks.map(({ value, label }) => verticalLine(plot, x(value), label)),
      element('rect', { ...plot, fill: 'none', stroke: INK.frame }),
      ...panel.curves.map((curve, index) => drawCurve(curve, index, x, y)),
    ].join('\n'),
  );
}

function verticalAxis({ curves, scale }: Panel, height: number): { axis: Axis; logarithmic: boolean } {
  const points = curves.flatMap((curve) => curve.points);
  const min = points.reduce((least, point) => Math.min(least, point.min), Infinity);
  const max = points.reduce((most, point) => Math.max(most, point.max), -Infinity);
  if (scale === 'auto' && min > 0 && max / min > 100)
    return { axis: logAxis(min * 0.8, max * 1.25), logarithmic: true };
  return { axis: linearAxis(min, max, Math.max(3, height / 36)), logarithmic: false };
}

function horizontalLine(plot: Box, y: number, label: string): string {
  const line = element('line', { x1: plot.x, x2: plot.x + plot.width, y1: y, y2: y, stroke: INK.grid });
  return line + element('text', { x: plot.x - 7, y: y + 4, 'text-anchor': 'end', fill: INK.muted }, label);
}

function verticalLine(plot: Box, x: number, label: string): string {
  const bottom = plot.y + plot.height;
  const line = element('line', { x1: x, x2: x, y1: plot.y, y2: bottom, stroke: INK.grid });
  return line + element('text', { x, y: bottom + 16, 'text-anchor': 'middle', fill: INK.muted }, label);
}

function drawCurve(curve: PanelCurve, index: number, x: (i: number) => number, y: (v: number) => number): string {
  const { color, dash } = curveStyle(index);
  const { points } = curve;
  if (points.length <= 24) return drawFew(points, color, dash, x, y);
  const smoothed = smooth(
    points.map(({ mean }) => mean),
    curve.smoothing ? Math.round(points.length / 40) : 0,
  );
  const line = element('polyline', {
    points: pointList(points.map(({ iteration }, i) => [x(iteration), y(smoothed[i] ?? 0)])),
    fill: 'none',
    stroke: color,
    'stroke-width': '1.8',
    'stroke-linejoin': 'round',
    ...(dash === '' ? {} : { 'stroke-dasharray': dash }),
  });
  if (!curve.smoothing) return line;
  const faint = element('polyline', {
    points: pointList(
      points.flatMap(({ iteration, min, max }) => [[x(iteration), y(min)] as const, [x(iteration), y(max)] as const]),
    ),
    fill: 'none',
    stroke: color,
    'stroke-width': '1',
    'stroke-opacity': '0.22',
    'stroke-linejoin': 'round',
  });
  return faint + line;
}

/** Draws a marker at each point of a curve with few points, such as evaluations. */
function drawFew(
  points: readonly CurvePoint[],
  color: string,
  dash: string,
  x: (i: number) => number,
  y: (v: number) => number,
): string {
  const places = points.map(({ iteration, mean }) => [x(iteration), y(mean)] as const);
  const line = element('polyline', {
    points: pointList(places),
    fill: 'none',
    stroke: color,
    'stroke-width': '1.8',
    'stroke-linejoin': 'round',
    ...(dash === '' ? {} : { 'stroke-dasharray': dash }),
  });
  return (
    line +
    places
      .map(([cx, cy]) => element('circle', { cx, cy, r: 2.6, fill: INK.paper, stroke: color, 'stroke-width': '1.6' }))
      .join('')
  );
}
