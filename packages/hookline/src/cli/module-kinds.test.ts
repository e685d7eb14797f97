import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildCommand, ROOT } from './built-command.test.support.ts';

const HOOKLINE = join(ROOT, 'packages/hookline');

const IMPORTS = `import { HooklineError, tf } from 'hookline';`;
const REQUIRES = `const { HooklineError, tf } = require('hookline');`;
/** The exports; the type annotation makes the file valid only as TypeScript. */
const MADE = '{ create: (changes: unknown) => ({ changes, HooklineError, tf }) }';
const PLAIN = '{ create: (changes) => ({ changes, HooklineError, tf }) }';

/** Trainer files of every module kind; each exports what it imports from `hookline`. */
const SOURCES: Readonly<Record<string, string>> = {
  'imports.ts': `${IMPORTS} export default ${MADE};`,
  'imports.mts': `${IMPORTS} export default ${MADE};`,
  'imports.cts': `${IMPORTS} export default ${MADE};`,
  'imports.js': `${IMPORTS} export default ${PLAIN};`,
  'imports.mjs': `${IMPORTS} export default ${PLAIN};`,
  'requires.cts': `import hookline = require('hookline'); const { HooklineError, tf } = hookline; export = ${MADE};`,
  'requires.cjs': `${REQUIRES} module.exports = ${PLAIN};`,
  'through.mts': `import definition from './imports.ts'; export default definition.default ?? definition;`,
  'through.cts': `import definition from './imports.mjs'; export default definition;`,
};
const FILES = Object.keys(SOURCES);

/** Loads files as the command does, and reports for each whether it shares this program's copy of `hookline`. */
const SCRIPT = `
import { HooklineError, tf } from 'hookline';
import { loadTrainer } from ${JSON.stringify(pathToFileURL(join(HOOKLINE, 'dist/cli/load-trainer.js')).href)};
const said = {};
for (const file of ${JSON.stringify(FILES)}) {
  try {
    const made = (await loadTrainer(file)).create({});
    said[file] = made.HooklineError === HooklineError && made.tf === tf ? 'one copy' : 'a copy of its own';
  } catch (error) {
    said[file] = String(error);
  }
}
console.log(JSON.stringify(said));
`;

let root: string;

beforeAll(() => {
  buildCommand();
  root = temporaryFolder();
  for (const type of ['module', 'commonjs']) {
    mkdirSync(join(root, type, 'node_modules'), { recursive: true });
    symlinkSync(HOOKLINE, join(root, type, 'node_modules/hookline'), 'dir');
    writeFileSync(join(root, type, 'package.json'), JSON.stringify({ type }));
    for (const [file, source] of Object.entries(SOURCES)) writeFileSync(join(root, type, file), source);
    writeFileSync(join(root, type, 'load.mjs'), SCRIPT);
  }
}, 300_000);

function node(type: string, ...args: string[]) {
  const env = { ...process.env, NODE_OPTIONS: '' };
  return spawnSync(process.execPath, args, { cwd: join(root, type), encoding: 'utf8', env });
}

describe('trainer files of every kind share the packages of the command line', () => {
  it.each(['module', 'commonjs'])(
    'where package.json says "%s"',
    (type) => {
      const { stdout, stderr } = node(type, 'load.mjs');
      // A second copy would warn of kernels registered twice, and Node of a file that requires an ES module.
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toEqual(Object.fromEntries(FILES.map((file) => [file, 'one copy'])));
    },
    120_000,
  );

  it('and a broken one is named as it is', () => {
    writeFileSync(join(root, 'commonjs', 'broken.cts'), 'export default {;\n');
    const { stderr } = node('commonjs', join(HOOKLINE, 'bin/hookline.js'), 'inspect', 'broken.cts');
    expect(stderr).toMatch(/HKL_TRAINER_FILE_BROKEN.* it cannot be read: .*\(broken\.cts:1:\d+\)/);
  }, 120_000);
});
