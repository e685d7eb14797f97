import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import type { z } from 'zod';
import * as hookline from './index.ts';

const PLUGINS = resolve(import.meta.dirname, '../../../plugins');

/** The `@default` of each option in the comments of an interface. */
interface Documented {
  readonly file: string;
  /** Whether the interface extends another one, which is documented elsewhere. */
  readonly isExtending: boolean;
  readonly defaults: ReadonlyMap<string, string | undefined>;
}

/** The interfaces of options in the sources of all plugins. */
const interfaces: readonly Documented[] = readdirSync(PLUGINS).flatMap((plugin) =>
  readdirSync(join(PLUGINS, plugin, 'src'))
    .filter((name) => name.endsWith('options.ts'))
    .flatMap((file) => {
      const text = readFileSync(join(PLUGINS, plugin, 'src', file), 'utf8');
      const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
      return source.statements.filter(ts.isInterfaceDeclaration).map((declared) => ({
        file: `${plugin}/${file}`,
        isExtending: declared.heritageClauses !== undefined,
        defaults: new Map(
          declared.members.map((member) => {
            const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === 'default');
            return [member.name?.getText(source) ?? '', ts.getTextOfJSDocComment(tag?.comment)];
          }),
        ),
      }));
    }),
);

/** The schemas of all plugins, by their names. */
const schemas = new Map(
  Object.values(hookline).flatMap((value) => {
    const definition = typeof value === 'function' && 'definition' in value ? value.definition : undefined;
    const { name, options } = (definition ?? {}) as { name?: string; options?: z.ZodObject };
    return name === undefined || options === undefined ? [] : [[name, options] as const];
  }),
);

/** A default as comments write it: `'model'`, `5000`, `1e-4`; undefined for words such as "all". */
function literal(text: string): unknown {
  const written = /^(?:(true|false|\[\])|'([^']*)'|(-?[\d._]+(?:e-?\d+)?))(?=$|[,;])/.exec(text);
  if (written === null) return undefined;
  const [, json, word, number] = written;
  if (json !== undefined) return JSON.parse(json) as unknown;
  return word ?? Number(number?.replaceAll('_', ''));
}

const documented = [...schemas].flatMap(([plugin, { shape }]) => {
  const names = Object.keys(shape);
  if (names.length === 0) return [];
  const found = interfaces.find(
    ({ defaults, isExtending }) =>
      [...defaults.keys()].every((name) => names.includes(name)) && (isExtending || defaults.size === names.length),
  );
  return [{ plugin, shape, found }];
});

it.each(documented)('the options of $plugin have comments that tell their defaults', ({ plugin, shape, found }) => {
  expect(found).toBeDefined();
  for (const [name, schema] of Object.entries(shape)) {
    const { type, defaultValue } = (schema as z.ZodDefault)._zod.def;
    const text = found?.defaults.get(name);
    const where = `${plugin}: ${name}`;
    if (type !== 'default' || found?.defaults.has(name) === false) continue;
    expect([where, text]).toEqual([where, expect.any(String)]);
    const value = literal(text as string);
    // Words such as "none" describe defaults that have no short form.
    if (value !== undefined) expect([where, value]).toEqual([where, defaultValue]);
  }
});
