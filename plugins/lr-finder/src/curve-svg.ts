import type { RangeTest } from './range-test.ts';

const [WIDTH, HEIGHT] = [640, 400];
const AREA = { left: 64, right: 20, top: 36, bottom: 48 };
const COLORS = { loss: '#bbbbbb', smoothed: '#1f77b4', suggestion: '#d62728', grid: '#e5e5e5', text: '#333333' };

/** Draws a range test as SVG: loss and smoothed loss over the logarithm of the rate, with a mark at the suggestion. */
export function curveSvg({ points, suggestion }: RangeTest): string {
  const rates = points.map(({ rate }) => Math.log10(rate));
  const [left, right] = [Math.min(...rates), Math.max(...rates)];
  // The axes fit the smoothed curve; single losses may lie outside.
  const smoothed = points.map((point) => point.smoothed);
  const [low, high] = widened(Math.min(...smoothed), Math.max(...smoothed));
  const x = (power: number): number =>
    AREA.left + ((power - left) / Math.max(right - left, 1e-9)) * (WIDTH - AREA.left - AREA.right);
  const y = (loss: number): number =>
    HEIGHT -
    AREA.bottom -
    ((Math.min(high, Math.max(low, loss)) - low) / (high - low)) * (HEIGHT - AREA.top - AREA.bottom);
  const line = (values: readonly number[], color: string, width: number): string =>
    `<polyline fill="none" stroke="${color}" stroke-width="${width}" points="${values
      .map((value, i) => `${x(rates[i] ?? left).toFixed(1)},${y(value).toFixed(1)}`)
      .join(' ')}"/>`;
  const text = (at: number, down: number, anchor: string, content: string): string =>
    `<text x="${at.toFixed(1)}" y="${down.toFixed(1)}" text-anchor="${anchor}" fill="${COLORS.text}">${content}</text>`;
  const rule = (x1: number, y1: number, x2: number, y2: number, color: string): string =>
    `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="${color}"/>`;
  const powers = Array.from({ length: Math.floor(right) - Math.ceil(left) + 1 }, (_, i) => Math.ceil(left) + i);
  const levels = [0, 0.25, 0.5, 0.75, 1].map((part) => low + part * (high - low));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    ...powers.flatMap((power) => [
      rule(x(power), AREA.top, x(power), HEIGHT - AREA.bottom, COLORS.grid),
      text(x(power), HEIGHT - AREA.bottom + 18, 'middle', `1e${power}`),
    ]),
    ...levels.flatMap((level) => [
      rule(AREA.left, y(level), WIDTH - AREA.right, y(level), COLORS.grid),
      text(AREA.left - 6, y(level) + 4, 'end', String(Number(level.toPrecision(3)))),
    ]),
    line(
      points.map(({ loss }) => loss),
      COLORS.loss,
      1,
    ),
    line(smoothed, COLORS.smoothed, 2),
    ...(suggestion === undefined
      ? []
      : [
          rule(x(Math.log10(suggestion)), AREA.top, x(Math.log10(suggestion)), HEIGHT - AREA.bottom, COLORS.suggestion),
          text(WIDTH / 2, 22, 'middle', `steepest descent at ${suggestion.toPrecision(3)}`),
        ]),
    text(
      (AREA.left + WIDTH - AREA.right) / 2,
      HEIGHT - 10,
      'middle',
      'learning rate (blue: smoothed loss, grey: loss of each step)',
    ),
    '</svg>\n',
  ].join('\n');
}

/** Widens a range that is empty. */
function widened(low: number, high: number): [number, number] {
  const room = high > low ? (high - low) * 0.05 : Math.max(Math.abs(low) * 0.1, 1e-6);
  return [low - room, high + room];
}
