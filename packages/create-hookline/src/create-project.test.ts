import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createProject, KINDS, LANGUAGES } from './index.ts';
import { exportName, packageName } from './project-name.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
let folder: string;

beforeAll(() => {
  // Projects are checked against what is built here, as if it had been installed beside them.
  const { stdout, status } = spawnSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-b'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stdout);
  folder = temporaryFolder();
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
}, 600_000);

/** Runs a script of a project, as npm does. */
const npmRun = (project: string, script: string) =>
  spawnSync('npm', ['run', '--silent', script], {
    cwd: project,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });

describe('createProject', () => {
  const projects = KINDS.flatMap((kind) => LANGUAGES.map((language) => ({ kind, language })));

  it.each(projects)(
    'makes a $kind in $language that passes its types, lint and tests',
    async ({ kind, language }) => {
      const { folder: project, files } = await createProject({
        kind,
        language,
        name: 'loss-average',
        folder: join(folder, `${kind}-${language}`),
        author: 'A Team',
      });
      for (const file of files) expect(readFileSync(join(project, file), 'utf8')).not.toMatch(/\{\{\w+\}\}/);
      // Of the others the types say enough; the campaign `installs` checks the whole of each.
      const isWhole = (kind === 'plugin') === (language === 'typescript') && kind !== 'preset';
      const { stdout, stderr, status } = npmRun(project, isWhole ? 'check' : 'types');
      expect({ status, said: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, said: '' });
      if (isWhole) expect(stdout).toMatch(/^# pass [12]$/m);
    },
    120_000,
  );

  it('builds what a plugin exports, with its types', async () => {
    const { folder: project } = await createProject({ kind: 'plugin', name: 'built', folder: join(folder, 'built') });
    expect(npmRun(project, 'build').status).toBe(0);
    expect(readFileSync(join(project, 'dist/plugin.js'), 'utf8')).toContain("name: 'hookline-plugin-built'");
    expect(readFileSync(join(project, 'dist/index.d.ts'), 'utf8')).toContain('export { built } from');
  }, 60_000);

  it('refuses a folder that holds something, and changes nothing there', async () => {
    const full = join(folder, 'full');
    mkdirSync(full);
    writeFileSync(join(full, 'package.json'), '{}');
    const made = createProject({ kind: 'app', name: 'app', folder: full });
    await expect(made).rejects.toMatchObject({ code: 'HKL_CREATE_FOLDER', message: expect.stringContaining(full) }); // prettier-ignore
    expect(readFileSync(join(full, 'package.json'), 'utf8')).toBe('{}');
    const file = createProject({ kind: 'app', name: 'app', folder: join(full, 'package.json') });
    await expect(file).rejects.toMatchObject({ code: 'HKL_CREATE_FOLDER' });
  });
});

describe('names', () => {
  it.each([
    ['plugin', 'loss-ratio', 'hookline-plugin-loss-ratio', 'lossRatio'],
    ['plugin', 'hookline-plugin-loss-ratio', 'hookline-plugin-loss-ratio', 'lossRatio'],
    ['plugin', '@lab/ratio', '@lab/hookline-plugin-ratio', 'ratio'],
    ['plugin', '3d', 'hookline-plugin-3d', 'plugin3d'],
    ['plugin', 'default', 'hookline-plugin-default', 'pluginDefault'],
    ['plugin', 'options', 'hookline-plugin-options', 'pluginOptions'],
    ['preset', 'lab', 'hookline-preset-lab', 'presetLab'],
    ['preset', 'default', 'hookline-preset-default', 'presetPresetDefault'],
    ['app', '@lab/cells', '@lab/cells', 'cells'],
  ] as const)('a %s called %s is the package %s with the export %s', (kind, name, whole, exported) => {
    expect(packageName(kind, name)).toBe(whole);
    expect(exportName(kind, whole)).toBe(exported);
  });

  it.each(['', 'Upper', 'with space', '../up', '@scope', '@scope/', '.hidden', 'a/b/c', 'x'.repeat(215)])(
    'refuses "%s"',
    (name) => {
      expect(() => packageName('plugin', name)).toThrow(expect.objectContaining({ code: 'HKL_CREATE_NAME' }));
    },
  );
});

describe('create-hookline', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(import.meta.dirname, '../bin/create-hookline.js'), ...args], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
    });

  it('says what was made and what comes next', () => {
    const { stdout, status } = run('preset', 'mine');
    expect(status).toBe(0);
    expect(stdout).toContain('cd hookline-preset-mine\n  npm install\n  npm run check');
  });

  it.each([
    [['plugin'], 'NAME is missing'],
    [[], 'KIND is missing'],
    [['plugins', 'x'], 'KIND is "plugins", not one of app, plugin, preset'],
    [['plugin', 'x', '--language', 'rust'], '--language is "rust"'],
    [['plugin', 'x', 'y'], 'y is one argument too many'],
    [['plugin', 'x', '--langage', 'x'], "Unknown option '--langage'"],
  ])('refuses %j without a terminal', (args, message) => {
    const { stderr, status } = run(...args);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: \[HKL_CREATE_USAGE\] /);
    expect(stderr).toContain(message);
  });
});
