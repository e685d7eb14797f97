import { didYouMean, HooklineError } from '@hookline/core';
import { z } from 'zod';
import { sectionOf, unwrap } from './key-types.ts';

type Tree = Record<string, unknown>;

/**
 * Returns a copy of `values` with `key.path=value` assignments applied. A value is parsed as JSON if that fits the
 * key's type, otherwise taken as text. A list may also be written without quotes and brackets: `a,b`, `a`, or nothing.
 *
 * @throws HooklineError `HKL_CONFIG_SET` for text that is not an assignment, `HKL_CONFIG_KEY_UNKNOWN` with a suggestion,
 * `HKL_CONFIG_INVALID` for a value of the wrong type
 */
export function applyOverrides(schema: z.ZodObject, values: object, overrides: readonly string[]): Tree {
  const result = structuredClone(values) as Tree;
  for (const override of overrides) {
    const equals = override.indexOf('=');
    if (equals <= 0) {
      throw new HooklineError('HKL_CONFIG_SET', `"${override}" is not an assignment`, {
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

/** The type of the key at a path. Only own keys of the schema count, so `__proto__` is an unknown key. */
function findLeaf(schema: z.ZodObject, path: readonly string[]): z.ZodType {
  let type: z.ZodType = schema;
  for (const [depth, key] of path.entries()) {
    const section = sectionOf(type);
    if (section === undefined || !Object.hasOwn(section, key)) {
      const isValue = `"${path.slice(0, depth).join('.')}" is a value, not a section`;
      const fix = section === undefined ? isValue : didYouMean(key, Object.keys(section));
      throw new HooklineError('HKL_CONFIG_KEY_UNKNOWN', `there is no key "${path.join('.')}"`, { who: '--set', fix });
    }
    type = section[key] as z.ZodType;
  }
  return type;
}

function parseValue(type: z.ZodType, key: string, text: string): unknown {
  const list = unwrap(type) instanceof z.ZodArray ? parseList(unwrap(type) as z.ZodArray, text) : undefined;
  const candidates = [parseJson(text), list, text].filter((value) => value !== undefined);
  const fitting = candidates.find((value) => type.safeParse(value).success);
  if (fitting !== undefined) return fitting;
  const issue = type.safeParse(candidates[0]).error?.issues[0]?.message ?? 'it does not fit';
  throw new HooklineError('HKL_CONFIG_INVALID', `${text === '' ? 'an empty value' : text} does not fit: ${issue}`, {
    who: `--set ${key}`,
  });
}

/** Shells remove the quotes of `["a","b"]`, so only the brackets may be left of the JSON. */
function parseList({ element }: z.ZodArray, text: string): unknown[] {
  const inner = /^\s*\[(.*)\]\s*$/s.exec(text)?.[1] ?? text;
  if (inner.trim() === '') return [];
  return inner.split(',').map((part) => {
    const words = part.trim();
    const value = parseJson(words);
    return (element as z.ZodType).safeParse(value).success ? value : words;
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
  let node = tree;
  for (const key of path.slice(0, -1)) node = (node[key] ??= {}) as Tree;
  node[path.at(-1) as string] = value;
}
