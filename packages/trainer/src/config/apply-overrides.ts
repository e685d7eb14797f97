import { didYouMean, HooklineError } from '@hookline/core';
import { z } from 'zod';

type Tree = Record<string, unknown>;

/**
 * A copy of `values` with `key.path=value` assignments laid over them. A value is read as JSON where that fits the
 * key's type, otherwise as text.
 *
 * @throws HooklineError `HKL_CONFIG_SET` for what is no assignment, `HKL_CONFIG_KEY_UNKNOWN` with a suggestion,
 * `HKL_CONFIG_INVALID` for a value that does not fit
 */
export function applyOverrides(schema: z.ZodObject, values: object, overrides: readonly string[]): Tree {
  const result = structuredClone(values) as Tree;
  for (const override of overrides) {
    const equals = override.indexOf('=');
    if (equals <= 0) {
      throw new HooklineError('HKL_CONFIG_SET', `"${override}" is no assignment`, {
        who: '--set',
        fix: 'Write key.path=value',
      });
    }
    const path = override.slice(0, equals).trim().split('.');
    const leaf = findLeaf(schema, path);
    assign(result, path, parseValue(leaf, path.join('.'), override.slice(equals + 1)));
  }
  return result;
}

/** The type of the key at a path; only own keys of the schema count, so that `__proto__` is as unknown as any other. */
function findLeaf(schema: z.ZodObject, path: readonly string[]): z.ZodType {
  let type: z.ZodType = schema;
  for (const [depth, key] of path.entries()) {
    const parent = unwrap(type);
    const shape = parent instanceof z.ZodObject ? (parent.shape as Record<string, z.ZodType>) : {};
    const where = path.slice(0, depth).join('.');
    if (!Object.hasOwn(shape, key)) {
      const fix =
        parent instanceof z.ZodObject ? didYouMean(key, Object.keys(shape)) : `"${where}" is a value, not a section`;
      throw new HooklineError('HKL_CONFIG_KEY_UNKNOWN', `there is no key "${path.join('.')}"`, { who: '--set', fix });
    }
    type = shape[key] as z.ZodType;
  }
  return type;
}

/** A type without what says that it may be left out. */
export function unwrap(type: z.ZodType): z.ZodType {
  if (
    type instanceof z.ZodPrefault ||
    type instanceof z.ZodDefault ||
    type instanceof z.ZodOptional ||
    type instanceof z.ZodNullable
  ) {
    return unwrap(type.unwrap() as z.ZodType);
  }
  return type;
}

function parseValue(type: z.ZodType, key: string, text: string): unknown {
  const candidates = [parseJson(text), text].filter((value) => value !== undefined);
  const fitting = candidates.find((value) => type.safeParse(value).success);
  if (fitting !== undefined) return fitting;
  const issue = type.safeParse(candidates[0]).error?.issues[0]?.message ?? 'it does not fit';
  throw new HooklineError('HKL_CONFIG_INVALID', `${text === '' ? 'an empty value' : text} does not fit: ${issue}`, {
    who: `--set ${key}`,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function assign(tree: Tree, path: readonly string[], value: unknown): void {
  const last = path.length - 1;
  let node = tree;
  for (const key of path.slice(0, last)) node = (node[key] ??= {}) as Tree;
  node[path[last] ?? ''] = value;
}
