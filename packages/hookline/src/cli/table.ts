import { terminalText } from '@hookline/core';

/** Formats rows as aligned columns; the last column is not padded. */
export function columns(cells: readonly (readonly string[])[], indent = ''): string {
  // Escape before measuring widths; a name with a line break must not look like another row.
  const rows = cells.map((row) => row.map((cell) => terminalText(cell).replaceAll('\n', String.raw`\n`)));
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row) => (indent + row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).trimEnd())
    .join('\n');
}

/**
 * Breaks text at spaces into lines of at most `width` characters, and indents the lines after the first. A longer word
 * is not broken.
 */
export function wrap(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    // A paragraph that fits keeps its own indentation.
    if (paragraph.length <= width) {
      lines.push(paragraph);
      continue;
    }
    let current = '';
    for (const word of paragraph.split(' ')) {
      if (current !== '' && `${current} ${word}`.length > width) {
        lines.push(current);
        current = word;
      } else current = current === '' ? word : `${current} ${word}`;
    }
    lines.push(current);
  }
  return lines.join(`\n${indent}`);
}
