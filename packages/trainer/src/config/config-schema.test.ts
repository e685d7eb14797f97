import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { CONFIG_SHAPE } from './config-schema.ts';
import { defineConfig } from './define-config.ts';

/** Every key of a config as `section.key`, with its default. */
function keysOf(value: object, prefix = ''): (readonly [string, unknown])[] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? keysOf(inner, `${prefix}${key}.`)
      : [[prefix + key, inner] as const],
  );
}

it('the page for people from detectron2 lists every key with its default, and no other key', async () => {
  const page = await readFile(new URL('../../../../docs/detectron2.md', import.meta.url), 'utf8');
  const table = page.slice(page.indexOf('## Config keys'), page.indexOf('## Build methods'));
  const listed = [...table.matchAll(/^\| `([^`]+)`\s+\| `([^`]*)`/gm)].map(([, key, value]) => [key, value]);
  const keys = keysOf(defineConfig().resolve()).map(([key, value]) => [key, JSON.stringify(value)]);
  expect(keys.length).toBeGreaterThan(40);
  expect(listed.sort()).toEqual(keys.sort());
});

it('every section can be left out, and refuses keys that it does not have', () => {
  for (const [section, schema] of Object.entries(CONFIG_SHAPE)) {
    if (!(schema instanceof z.ZodPrefault)) continue;
    expect(defineConfig({ [section]: {} }).resolve()).toEqual(defineConfig().resolve());
    expect(() => defineConfig({ [section]: { nonsense: 1 } } as never).resolve()).toThrow(/nonsense/);
  }
});
