import { alignColumns, terminalText } from '@hookline/core';

/** Formats rows as aligned columns, with control characters escaped. @param isRight as in `alignColumns` */
export function columns(cells: readonly (readonly string[])[], isRight?: (column: number) => boolean): string {
  // Escape before measuring widths; a name with a line break must not look like another row.
  const rows = cells.map((row) => row.map((cell) => terminalText(cell).replaceAll('\n', String.raw`\n`)));
  return alignColumns(rows, isRight).join('\n');
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
