/** A JSON object with unchecked fields. */
export type Fields = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value if it is a finite number, else undefined. */
export const asNumber = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

/** The value if it is a positive integer (a size in pixels), else undefined. */
export const asSize = (value: unknown): number | undefined => {
  const number = asNumber(value);
  return number !== undefined && Number.isInteger(number) && number > 0 ? number : undefined;
};

/** 0 or 1, also when written as a boolean or a string; undefined for anything else. */
export function asFlag(value: unknown): 0 | 1 | undefined {
  const text = String(value).trim().toLowerCase();
  if (text === '1' || text === 'true') return 1;
  return text === '0' || text === 'false' ? 0 : undefined;
}
