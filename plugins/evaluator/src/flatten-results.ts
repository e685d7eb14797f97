import { HooklineError, isPlainObject, type Results } from '@hookline/core';

/**
 * Flattens nested results, joining names by "/": `{ bbox: { AP: 1 } }` becomes `{ 'bbox/AP': 1 }`.
 *
 * @throws HooklineError `HKL_EVAL_RESULT` if a value is neither a number nor a nested object
 */
export function flattenResults(results: Results): Readonly<Record<string, number>> {
  const flat: Record<string, number> = {};
  const visit = (value: unknown, path: string): void => {
    if (typeof value === 'number' && path !== '') flat[path] = value;
    else if (isPlainObject(value)) {
      for (const [name, inner] of Object.entries(value)) visit(inner, path === '' ? name : `${path}/${name}`);
    } else throw notANumber(path, value);
  };
  visit(results, '');
  return flat;
}

function notANumber(path: string, value: unknown): HooklineError {
  const found = path === '' ? describe(value) : `"${path}": ${describe(value)}`;
  return new HooklineError('HKL_EVAL_RESULT', `the results hold ${found}, which is no number with a name`, {
    who: 'evaluation',
    fix: 'An evaluator returns numbers by name, nested to any depth; read tensors with data() first',
  });
}

function describe(value: unknown): string {
  if (typeof value === 'string') return `"${value}"`;
  if (value === null || value === undefined || typeof value === 'boolean' || typeof value === 'number')
    return String(value);
  return Array.isArray(value) ? 'an array' : `a ${value.constructor.name}`;
}
