import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildCommand, ROOT } from './built-command.test.support.ts';

const HOOKLINE = join(ROOT, 'packages/hookline');

/** A loader hook that logs every module that the ES loader loads. */
const hooks = (log: string) => `
import { appendFileSync } from 'node:fs';
export async function load(url, context, next) {
  appendFileSync(${JSON.stringify(log)}, url + '\\n');
  return next(url, context);
}
`;

let folder: string;

beforeAll(() => {
  buildCommand();
  folder = temporaryFolder();
}, 600_000);

/** The files that a program imports. */
function importedBy(name: string, ...args: string[]): string[] {
  const log = join(folder, `${name}.txt`);
  const hook = join(folder, `${name}-hooks.mjs`);
  const start = join(folder, `${name}-start.mjs`);
  writeFileSync(log, '');
  writeFileSync(hook, hooks(log));
  writeFileSync(
    start,
    `import { register } from 'node:module'; register(${JSON.stringify(pathToFileURL(hook).href)});`,
  );
  const env = { ...process.env, NODE_OPTIONS: '' };
  const { status, stderr } = spawnSync(process.execPath, ['--import', pathToFileURL(start).href, ...args], {
    cwd: HOOKLINE,
    encoding: 'utf8',
    env,
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return readFileSync(log, 'utf8').split('\n').filter((url) => url.startsWith('file:')); // prettier-ignore
}

const of = (files: readonly string[], packages: RegExp): string[] => files.filter((file) => packages.test(file));

describe('what is loaded at the start', () => {
  it('of `hookline --help` is the command line alone', () => {
    const files = importedBy('help', 'bin/hookline.js', '--help');
    expect(of(files, /node_modules\/(@tensorflow|sharp|zod|tsx|esbuild|fast-glob|fast-xml-parser)\//)).toEqual([]);
    expect(of(files, /packages\/(tfjs|data|trainer)|plugins\//)).toEqual([]);
    expect(files.length).toBeGreaterThan(50);
  }, 120_000);

  it('of `import "hookline"` is no decoder of images, no parser of XML and no search for files', () => {
    const files = importedBy('import', '--input-type=module', '-e', "import 'hookline'");
    expect(of(files, /node_modules\/(sharp|@img|fast-xml-parser|fast-glob|tsx|esbuild)\//)).toEqual([]);
    // Node reads the text of a CommonJS module that is imported for names, which takes longer than running this one.
    expect(of(files, /node_modules\/@tensorflow\/tfjs\//)).toEqual([]);
    expect(of(files, /tfjs\.cjs$/)).toHaveLength(1);
    expect(files.length).toBeGreaterThan(300);
  }, 120_000);
});
