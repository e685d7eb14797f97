import { isPlainObject } from '@hookline/core';

/** Longest names and values that MLflow accepts. */
const [LONGEST_NAME, LONGEST_VALUE] = [250, 6000];

/** Replaces characters that MLflow does not allow in names by `_`; it allows letters, digits, `_`, `-`, `.`, `/` and spaces. */
export const mlflowName = (name: string): string => name.replaceAll(/[^\w\-./ ]/g, '_').slice(0, LONGEST_NAME);

/** Flattens nested objects to names with dots, and converts every value to text. Functions and undefined values are left out. */
export function flattenParams(params: object): Record<string, string> {
  const flat: Record<string, string> = {};
  const add = (name: string, value: unknown): void => {
    if (value === undefined || typeof value === 'function') return;
    if (isPlainObject(value) && Object.keys(value).length > 0) {
      for (const [key, inner] of Object.entries(value)) add(name === '' ? key : `${name}.${key}`, inner);
      return;
    }
    const text = typeof value === 'string' ? value : (JSON.stringify(value) as string | undefined);
    if (text !== undefined) flat[mlflowName(name)] = text.slice(0, LONGEST_VALUE);
  };
  for (const [key, value] of Object.entries(params)) add(key, value);
  return flat;
}
