import { INK } from './colors.ts';
import { curveStyle, type PanelCurve } from './panel-curve.ts';
import { element, escapeText } from './svg.ts';

/** Height of a row of a legend. */
export const LEGEND_ROW = 17;
const MARK = 22;
const GAP = 16;
const MOST_ROWS = 4;

/** A legend whose entries flow in rows. */
export interface Legend {
  readonly rows: number;
  draw(x: number, y: number): string;
}

/** Lays out the name and the last value of each curve. Entries that do not fit into four rows are only counted. */
export function layOutLegend(curves: readonly PanelCurve[], width: number): Legend {
  const places: { text: string; value: string; index: number; x: number; row: number }[] = [];
  let [x, row] = [0, 0];
  let hidden = 0;
  for (const [index, { label, last }] of curves.entries()) {
    const value = formatValue(last);
    const text = shorten(label, 44);
    const wide = MARK + textWidth(`${text} ${value}`) + GAP;
    if (x > 0 && x + wide > width) [x, row] = [0, row + 1];
    if (row >= MOST_ROWS) {
      hidden = curves.length - index;
      break;
    }
    places.push({ text, value, index, x, row });
    x += wide;
  }
  const rows = Math.min(row + 1, MOST_ROWS) + (hidden > 0 ? 1 : 0);
  return {
    rows,
    draw: (left, top) => {
      const entries = places.map((place) => drawEntry(place, left + place.x, top + (place.row + 0.5) * LEGEND_ROW));
      const more = element(
        'text',
        { x: left, y: top + (rows - 0.5) * LEGEND_ROW + 4, fill: INK.muted },
        `and ${hidden} more`,
      );
      return [...entries, ...(hidden > 0 ? [more] : [])].join('');
    },
  };
}

function drawEntry(
  { text, value, index }: { text: string; value: string; index: number },
  x: number,
  y: number,
): string {
  const { color, dash } = curveStyle(index);
  const stroke = { stroke: color, 'stroke-width': '2.4', ...(dash === '' ? {} : { 'stroke-dasharray': dash }) };
  const number = element('tspan', { fill: INK.muted }, ` ${escapeText(value)}`);
  return (
    element('line', { x1: x, x2: x + 16, y1: y, y2: y, ...stroke }) +
    element('text', { x: x + MARK, y: y + 4, fill: INK.text, 'xml:space': 'preserve' }, escapeText(text) + number)
  );
}

/** Formats a value with four digits. */
export function formatValue(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2).replace('e+', 'e');
  return String(Number(value.toPrecision(4)));
}

/** Estimates the width in pixels of a text with 11-pixel letters. It rather overestimates, because no font metrics are available. */
export function textWidth(text: string): number {
  let width = 0;
  for (const letter of text)
    width += /[mwMW@%]/.test(letter) ? 10 : /[A-Z0-9_/]/.test(letter) ? 7.2 : /[ijl.,:;|!' ]/.test(letter) ? 3.6 : 6.4;
  return width;
}

function shorten(label: string, limit: number): string {
  return label.length <= limit ? label : `${label.slice(0, limit / 2 - 1)}…${label.slice(1 - limit / 2)}`;
}
