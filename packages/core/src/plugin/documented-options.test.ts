import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { z } from 'zod';
import { documentedOptions } from './documented-options.ts';

interface PulseOptions {
  /** How many iterations lie between two beats. @default 10 */
  readonly period?: number;
}

const schema = z.strictObject({ period: z.int().positive().default(10) });

describe('documentedOptions', () => {
  it('is the schema itself, with its defaults and checks', () => {
    const documented = documentedOptions<PulseOptions>()(schema);
    expect(documented).toBe(schema);
    const { period }: { period: number } = documented.parse({ period: undefined });
    expect(period).toBe(10);
  });

  it('has the compiler refuse a schema of other names or types', () => {
    // @ts-expect-error The schema lacks an option that the interface documents.
    documentedOptions<PulseOptions & { size?: number }>()(schema);
    // @ts-expect-error The schema has an option that the interface does not document.
    documentedOptions<PulseOptions>()(schema.extend({ sise: z.number().optional() }));
    // @ts-expect-error The schema takes a number, and the interface says a word.
    documentedOptions<{ period?: string }>()(schema);
    // @ts-expect-error The schema needs what the interface lets people leave out.
    documentedOptions<PulseOptions>()(z.strictObject({ period: z.number() }));
    expect(schema.shape).toHaveProperty('period');
  });

  it('shows the comments of options where a factory is called', () => {
    const file = join(import.meta.dirname, 'hover.ts');
    const text = `
      import { z } from 'zod';
      import { definePlugin } from './define-plugin.ts';
      import { documentedOptions } from './documented-options.ts';
      interface Options {
        /** How many iterations lie between two beats. */
        readonly period?: number;
      }
      const options = documentedOptions<Options>()(z.strictObject({ period: z.int().default(10) }));
      definePlugin({ name: 'pulse', version: '1.0.0', options, setup: () => undefined })({ period: 1 });`;
    const settings: ts.CompilerOptions = {
      ...{ module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
      ...{ target: ts.ScriptTarget.ES2022, strict: true, allowImportingTsExtensions: true, noEmit: true },
    };
    const service = ts.createLanguageService({
      getScriptFileNames: () => [file],
      getScriptVersion: () => '1',
      getScriptSnapshot: (name) => {
        if (name !== file && !ts.sys.fileExists(name)) return undefined;
        return ts.ScriptSnapshot.fromString(name === file ? text : readFileSync(name, 'utf8'));
      },
      getCurrentDirectory: () => import.meta.dirname,
      getCompilationSettings: () => settings,
      getDefaultLibFileName: (chosen) => ts.getDefaultLibFilePath(chosen),
      fileExists: (name) => name === file || ts.sys.fileExists(name),
      readFile: (name) => (name === file ? text : ts.sys.readFile(name)),
    });
    const shown = service.getQuickInfoAtPosition(file, text.lastIndexOf('period: 1'));
    expect(ts.displayPartsToString(shown?.documentation)).toBe('How many iterations lie between two beats.');
  });
});
