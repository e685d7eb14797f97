/** One bar: its label, its length, the text at its end, and its colour. */
export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly color: string;
}

/** Bars that share a scale, under a heading. */
export interface BarGroup {
  readonly title: string;
  readonly bars: readonly Bar[];
}

/** Sizes in pixels. */
const WIDTH = 760;
const LABELS = 230;
const VALUES = 90;
const ROW = 22;
const HEAD = 34;

/** Draws horizontal bars as SVG. Each group has its own scale, from 0 to its longest bar. */
export function barChart(title: string, unit: string, groups: readonly BarGroup[]): string {
  const parts: string[] = [];
  let y = HEAD + 10;
  for (const group of groups) {
    const longest = Math.max(...group.bars.map(({ value }) => value));
    parts.push(text(16, y + 14, group.title, 'font-weight="600"'));
    y += ROW + 2;
    for (const { label, value, color } of group.bars) {
      const length = Math.max(1, (value / longest) * (WIDTH - LABELS - VALUES));
      parts.push(
        text(LABELS - 10, y + 14, label, 'text-anchor="end"'),
        `<rect x="${LABELS}" y="${y + 2}" width="${length.toFixed(1)}" height="${ROW - 6}" rx="2" fill="${color}"/>`,
        text(LABELS + length + 6, y + 14, `${Number(value.toPrecision(3))} ${unit}`, 'fill="#57606a"'),
      );
      y += ROW;
    }
    y += 12;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}"`,
    '  font-family="system-ui, sans-serif" font-size="13" fill="#1f2328">',
    `<rect width="${WIDTH}" height="${y}" fill="#ffffff"/>`,
    text(16, 26, title, 'font-size="16" font-weight="600"'),
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

function text(x: number, y: number, words: string, attributes: string): string {
  const safe = words.replace(/[&<>]/g, (character) => ESCAPES[character] ?? character);
  return `<text x="${x.toFixed(1)}" y="${y}" ${attributes}>${safe}</text>`;
}
