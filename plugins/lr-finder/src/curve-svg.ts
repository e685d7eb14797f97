import type { RangeTest } from './range-test.ts';

const [WIDTH, HEIGHT] = [640, 400];
const AREA = { left: 64, right: 20, top: 36, bottom: 48 };
const COLORS = { loss: '#bbbbbb', smoothed: '#1f77b4', suggestion: '#d62728', grid: '#e5e5e5', text: '#333333' };

/** Draws a range test as SVG: loss and smoothed loss over the logarithm of the rate, with a mark at the suggestion. */
export function curveSvg({ points, suggestion }: RangeTest): string {
  const rates = points.map(({ rate }) => Math.log10(rate));
  const [left, right] = [Math.min(...rates), Math.max(...rates)];
  const losses = points.map(({ loss }) => loss);
  const smoothed = points.map((point) => point.smoothed);
  // Where the training diverges, losses are many times as large as before. The axis fits those up to the lowest smoothed loss,
  // and lines are clipped.
  const { low, high, levels } = lossAxis(losses.slice(0, smoothed.indexOf(Math.min(...smoothed)) + 1));
  const x = (power: number): number =>
    AREA.left + ((power - left) / Math.max(right - left, 1e-9)) * (WIDTH - AREA.left - AREA.right);
  const y = (loss: number): number =>
    HEIGHT - AREA.bottom - ((loss - low) / (high - low)) * (HEIGHT - AREA.top - AREA.bottom);
  const line = (values: readonly number[], color: string, width: number): string =>
    `<polyline fill="none" stroke="${color}" stroke-width="${width}" clip-path="url(#area)" points="${values
      .map((value, i) => `${x(rates[i] ?? left).toFixed(1)},${y(value).toFixed(1)}`)
      .join(' ')}"/>`;
  const text = (at: number, down: number, anchor: string, content: string): string =>
    `<text x="${at.toFixed(1)}" y="${down.toFixed(1)}" text-anchor="${anchor}" fill="${COLORS.text}">${content}</text>`;
  const rule = (x1: number, y1: number, x2: number, y2: number, color: string): string =>
    `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="${color}"/>`;
  const powers = Array.from({ length: Math.floor(right) - Math.ceil(left) + 1 }, (_, i) => Math.ceil(left) + i);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    `<clipPath id="area"><rect x="${AREA.left}" y="${AREA.top}" width="${WIDTH - AREA.left - AREA.right}" height="${HEIGHT - AREA.top - AREA.bottom}"/></clipPath>`,
    ...powers.flatMap((power) => [
      rule(x(power), AREA.top, x(power), HEIGHT - AREA.bottom, COLORS.grid),
      text(x(power), HEIGHT - AREA.bottom + 18, 'middle', `1e${power}`),
    ]),
    ...levels.flatMap((level) => [
      rule(AREA.left, y(level), WIDTH - AREA.right, y(level), COLORS.grid),
      text(AREA.left - 6, y(level) + 4, 'end', String(level)),
    ]),
    text(AREA.left - 6, AREA.top - 14, 'end', 'loss'),
    line(losses, COLORS.loss, 1),
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

/** The range from the 2nd to the 98th percentile of the losses, with room that shows where they rise again, and round levels in it. */
function lossAxis(losses: readonly number[]): { low: number; high: number; levels: number[] } {
  const sorted = [...losses].sort((a, b) => a - b);
  const percentile = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] as number;
  const [least, most] = [percentile(0.02), percentile(0.98)];
  const room = most > least ? (most - least) * 0.1 : Math.max(Math.abs(least) * 0.1, 1e-6);
  const [low, high] = [least - room, most + 2 * room];
  const power = 10 ** Math.floor(Math.log10((high - low) / 4));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= (high - low) / 6) ?? 10);
  const levels: number[] = [];
  // Number removes the rounding errors of multiples such as 3 * 0.1.
  for (let place = Math.ceil(low / step); place * step <= high; place++)
    levels.push(Number((place * step).toPrecision(12)));
  return { low, high, levels };
}
