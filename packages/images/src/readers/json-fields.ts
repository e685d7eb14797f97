/** An object of JSON whose fields are not known yet. */
export type Fields = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A finite number, or undefined for anything else. */
export const asNumber = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

/** A size in pixels, or undefined for anything else. */
export const asSize = (value: unknown): number | undefined => {
  const number = asNumber(value);
  return number !== undefined && Number.isInteger(number) && number > 0 ? number : undefined;
};

/** 0 or 1, also where it is written as a boolean or a text. */
export function asFlag(value: unknown): 0 | 1 | undefined {
  const text = String(value).trim().toLowerCase();
  if (text === '1' || text === 'true') return 1;
  return text === '0' || text === 'false' ? 0 : undefined;
}
