/** The scalars of one iteration by name. */
export type LineRecord = ReadonlyMap<string, number | string>;

/** The key for the iteration of a line; a scalar with this name cannot be written. */
export const ITERATION = 'iteration';

/**
 * Formats one line of the file: a JSON object with sorted keys, including `iteration`. JSON has no NaN and no infinities, so
 * they become the strings `"NaN"`, `"Infinity"` and `"-Infinity"`, which `Number()` and Python's `float()` can parse.
 */
export function formatLine(iteration: number, record: LineRecord): string {
  const entries = [...record, [ITERATION, iteration] as const].sort(([a], [b]) => (a < b ? -1 : 1));
  const pairs = entries.map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(jsonNumber(value))}`);
  return `{${pairs.join(', ')}}\n`;
}

/** Parses a line; undefined if it is invalid, such as the truncated last line of a killed process. */
export function parseLine(
  text: string,
): { readonly iteration: number; readonly record: Map<string, number | string> } | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const record = new Map<string, number | string>(Object.entries(parsed));
  const iteration = record.get(ITERATION);
  record.delete(ITERATION);
  return typeof iteration === 'number' ? { iteration, record } : undefined;
}

function jsonNumber(value: number | string): number | string {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
