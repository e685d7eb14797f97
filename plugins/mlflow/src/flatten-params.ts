import { isPlainObject } from '@hookline/core';

/** MLflow takes no longer names and values. */
const [LONGEST_NAME, LONGEST_VALUE] = [250, 6000];

/** A name as MLflow takes it: letters, digits, `_`, `-`, `.`, `/` and blanks; others become `_`. */
export const mlflowName = (name: string): string => name.replaceAll(/[^\w\-./ ]/g, '_').slice(0, LONGEST_NAME);

/** Sections as names with dots, and every value as text; functions and what is undefined are left out. */
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
