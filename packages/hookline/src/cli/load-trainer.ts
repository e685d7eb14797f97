import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { HooklineError, isHooklineError, suggestName } from '@hookline/core';
import { shown } from './print.ts';
import { keepModulesSingle } from './single-modules.ts';
import type { TrainerInFile } from './trainer-in-file.ts';

/**
 * Loads a trainer file, in TypeScript, without a build step.
 *
 * The file runs in this process and shares all modules with it; `hookline` in the file is this very copy.
 *
 * @throws HooklineError `HKL_TRAINER_FILE_MISSING`; `HKL_TRAINER_FILE_BROKEN` if it has a syntax error or fails while
 * it is loaded; `HKL_TRAINER_FILE_EXPORT` if its default export is no trainer
 */
export async function loadTrainer(file: string): Promise<TrainerInFile> {
  const path = resolve(file);
  assertFile(path, file);
  await (understood ??= understandTypeScript());
  let module: Record<string, unknown>;
  try {
    // In Node 20, a CommonJS TypeScript file that is imported gets a `require` that cannot load ES modules.
    module = /\.c[jt]s$/.test(path)
      ? { default: createRequire(import.meta.url)(path) as unknown }
      : ((await import(pathToFileURL(path).href)) as Record<string, unknown>);
  } catch (cause) {
    // A Hookline error already says what is wrong.
    if (isHooklineError(cause)) throw cause;
    throw broken(file, cause);
  }
  return checkExport(file, module);
}

let understood: Promise<void> | undefined;

/** A file is CommonJS unless a package.json above it says "type": "module", which `npm init` does not write. */
async function understandTypeScript(): Promise<void> {
  // tsx's cache is a folder with a well-known name in the system's temporary folder, which tsx trusts whoever owns it. Another
  // user of the machine could put code there that would run here. Compiling again takes milliseconds. tsx reads this
  // variable when it is loaded; processes and threads that the trainer starts inherit it.
  process.env['TSX_DISABLE_CACHE'] = '1';
  const [esm, cjs] = await Promise.all([import('tsx/esm/api'), import('tsx/cjs/api')]);
  // Do not pass a namespace: with one, the file would get its own copies of every package.
  keepModulesSingle(() => cjs.register());
  esm.register();
}

function assertFile(path: string, given: string): void {
  if (existsSync(path) && statSync(path).isFile()) return;
  const folder = existsSync(path) ? path : dirname(path);
  const siblings = existsSync(folder) ? readdirSync(folder).filter((name) => /\.[cm]?[jt]s$/.test(name)) : [];
  const near = suggestName(basename(path), siblings) ?? (folder === path ? siblings.find(isTrainer) : undefined);
  throw new HooklineError(
    'HKL_TRAINER_FILE_MISSING',
    existsSync(path) ? 'it is a folder, not a trainer file' : 'there is no such file',
    {
      who: given,
      fix: near === undefined ? 'Give the path of a trainer file' : `Did you mean "${shown(join(folder, near))}"?`,
    },
  );
}

const isTrainer = (name: string): boolean => name.startsWith('trainer.');

function broken(file: string, cause: unknown): HooklineError {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const [syntax] = /[^\n]+:\d+:\d+: ERROR: [^\n]+/.exec(error.message) ?? [];
  if (syntax !== undefined) {
    const [, place = '', what = ''] = /^(.*): ERROR: (.*)$/.exec(syntax) ?? [];
    return new HooklineError('HKL_TRAINER_FILE_BROKEN', `it cannot be read: ${what}`, {
      who: file,
      where: shown(placeAsNamed(place)),
      fix: what.includes('"cjs"')
        ? 'The file counts as CommonJS: write "type": "module" into package.json, or name the file .mts'
        : 'Correct the syntax there',
    });
  }
  const [message = ''] = error.message.split('\n');
  const what = `loading it failed: ${message}`;
  if (/^(ERR_)?MODULE_NOT_FOUND$/.test((error as NodeJS.ErrnoException).code ?? '')) {
    const fix = cannotRequireFromArchives(error.message)
      ? 'Under Plug\'n\'Play, Node 20 finds no packages for a CommonJS trainer file: write "type": "module" into package.json, name the file .mts, or use Node 22 or later'
      : 'Install the package, or correct the path of the import';
    return new HooklineError('HKL_TRAINER_FILE_BROKEN', what, { who: file, fix });
  }
  const where = placeIn(error.stack, resolve(file));
  return new HooklineError('HKL_TRAINER_FILE_BROKEN', what, { who: file, where, cause });
}

/** Whether an import bypassed Yarn's hooks, which happens in ES modules that Node 20 loads by `require`. */
const cannotRequireFromArchives = (message: string): boolean =>
  process.versions['pnp'] !== undefined &&
  process.version.startsWith('v20.') &&
  /imported from .*\.zip\//.test(message);

/** tsx shows `.cts` and `.mts` files as `.ts`. */
function placeAsNamed(place: string): string {
  const [, stem = '', ending = '', rest = ''] = /^(.*)\.([jt]s)(:.*)?$/.exec(place) ?? [];
  const named = ['', 'c', 'm'].map((kind) => `${stem}.${kind}${ending}`).find((path) => existsSync(path));
  return named === undefined ? place : `${named}${rest}`;
}

/** `file:line` of the innermost frame in the trainer's own folder. */
function placeIn(stack: string | undefined, file: string): string | undefined {
  const url = pathToFileURL(file).href;
  const frame = stack?.split('\n').find((line) => /^\s+at /.test(line) && (line.includes(url) || line.includes(file)));
  const place = /((?:file:\/\/)?[^\s()]+):(\d+):\d+\)?$/.exec(frame ?? '');
  if (place?.[1] === undefined) return undefined;
  const path = place[1].startsWith('file://') ? fileURLToPath(place[1].replace(/\?.*$/, '')) : place[1];
  return `${shown(path)}:${place[2] ?? ''}`;
}

function checkExport(file: string, module: Record<string, unknown>): TrainerInFile {
  let found = module['default'];
  // The file is CommonJS, because no package.json above it says "type": "module".
  if (isObject(found) && '__esModule' in found) found = found['default'];
  if (isObject(found) && typeof found['create'] === 'function') return found as unknown as TrainerInFile;
  const what =
    found === undefined ? 'it has no default export' : `its default export is ${describeKind(found)}, not a trainer`;
  throw new HooklineError('HKL_TRAINER_FILE_EXPORT', what, {
    who: file,
    fix: 'Write `export default defineTrainer({ ... })`',
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function describeKind(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function or class ${value.name}`;
  if (typeof value !== 'object') return `the ${typeof value} ${JSON.stringify(value)}`;
  const name = (value as { constructor?: { name?: string } }).constructor?.name;
  return name === undefined || name === 'Object' ? 'a plain object' : `a ${name}`;
}
