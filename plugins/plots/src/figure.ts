import { INK } from './colors.ts';
import { drawPanel, type Panel } from './panel.ts';
import { element, escapeText } from './svg.ts';

/** A picture of several panels. */
export interface Figure {
  readonly title: string;
  /** A line below the title. */
  readonly subtitle: string;
  /** The panels; those without points are left out. */
  readonly panels: readonly Panel[];
}

const [PANEL_WIDTH, PANEL_HEIGHT, HEADER, EDGE] = [520, 300, 66, 14];

/** Draws a figure as an SVG document: panels in two columns, an odd last one as wide as both. */
export function drawFigure({ title, subtitle, panels }: Figure): string {
  const shown = panels
    .map((panel) => ({ ...panel, curves: panel.curves.filter(({ points }) => points.length > 0) }))
    .filter(({ curves }) => curves.length > 0);
  const columns = shown.length > 1 ? 2 : 1;
  const rows = Math.ceil(shown.length / columns);
  const width = Math.max(1.5, columns) * PANEL_WIDTH + 2 * EDGE;
  const height = HEADER + Math.max(rows, 0.2) * PANEL_HEIGHT + 30;
  const points = shown.flatMap(({ curves }) => curves.flatMap((curve) => curve.points));
  const first = points.reduce((least, { iteration }) => Math.min(least, iteration), Infinity);
  const last = points.reduce((most, { iteration }) => Math.max(most, iteration), -Infinity);
  const body = shown.map((panel, index) => {
    const alone = index === shown.length - 1 && index % columns === 0;
    const box = {
      x: EDGE + (index % columns) * PANEL_WIDTH,
      y: HEADER + Math.floor(index / columns) * PANEL_HEIGHT,
      width: alone ? width - 2 * EDGE : PANEL_WIDTH,
      height: PANEL_HEIGHT - 8,
    };
    return drawPanel(panel, box, [first, last + 1]);
  });
  const empty = element(
    'text',
    { x: width / 2, y: height / 2 + 20, 'text-anchor': 'middle', fill: INK.muted },
    'no values yet',
  );
  const axisName = element(
    'text',
    { x: width / 2, y: height - 12, 'text-anchor': 'middle', fill: INK.muted },
    'iteration',
  );
  const content = [
    element('rect', { width, height, fill: INK.paper }),
    element(
      'text',
      { x: EDGE + 12, y: 30, 'font-size': '19', 'font-weight': '600', fill: INK.text },
      escapeText(title),
    ),
    element('text', { x: EDGE + 12, y: 51, 'font-size': '12', fill: INK.muted }, escapeText(subtitle)),
    ...(shown.length === 0 ? [empty] : [...body, axisName]),
  ];
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    'font-family': 'Inter, "Segoe UI", "Helvetica Neue", Arial, "DejaVu Sans", sans-serif',
    'font-size': '11',
  };
  return `${element('svg', attributes, `\n${content.join('\n')}\n`)}\n`;
}
