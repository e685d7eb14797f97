/**
 * Characters that a terminal may interpret as commands: control characters except tab and newline, and the marks that
 * change the direction of text, which can make a line read as a different one.
 */
// eslint-disable-next-line no-control-regex -- they are what is to be found
const COMMANDS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/**
 * Makes text safe for a terminal. Names of classes, files and metrics, and messages of other programs, may contain
 * escape sequences; these become visible, as `\\u001b`. Tabs and newlines stay.
 *
 * @param text may be JSON, which stays equivalent JSON
 */
export function terminalText(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(COMMANDS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * Formats rows as the lines of a table, with two spaces between columns.
 *
 * @param isRight whether a column is aligned to the right, as numbers are. Default: none is
 * @returns a line for each row, without spaces at its end
 */
export function alignColumns(
  rows: readonly (readonly string[])[],
  isRight: (column: number) => boolean = () => false,
): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, { length }] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, length);
  }
  const pad = (cell: string, column: number): string =>
    isRight(column) ? cell.padStart(widths[column] as number) : cell.padEnd(widths[column] as number);
  return rows.map((row) => row.map(pad).join('  ').trimEnd());
}

/**
 * Formats seconds as `H:MM:SS`, rounded down.
 *
 * @param options.days whether days are counted separately, as Python does: `1 day, 2:00:00` instead of `26:00:00`
 */
export function formatDuration(seconds: number, { days: withDays = false }: { readonly days?: boolean } = {}): string {
  const whole = Math.max(0, Math.floor(seconds));
  const days = withDays ? Math.floor(whole / 86_400) : 0;
  const two = (value: number): string => String(value).padStart(2, '0');
  const clock = `${Math.floor(whole / 3600) - 24 * days}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return days === 0 ? clock : `${days} day${days === 1 ? '' : 's'}, ${clock}`;
}
