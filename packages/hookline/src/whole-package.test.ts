import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildCommand } from './cli/built-command.test.support.ts';
import { codeBlock } from './code-blocks.test.support.ts';
import * as hookline from './index.ts';
import { STRICT } from './third-party/sandbox.test.support.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const PACKAGE = join(ROOT, 'packages/hookline');
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const PAGE = readFileSync(join(PACKAGE, 'README.md'), 'utf8');

describe('what hookline exports', () => {
  const { dependencies } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const packages = Object.keys(dependencies).filter((name) => name.startsWith('@hookline/'));

  it.each(packages)('is all of %s, but for what the page says is left out', async (name) => {
    const there = Object.keys((await import(name)) as object);
    const [, row = ''] = new RegExp(`^- \`${name}\`: (.*)$`, 'm').exec(PAGE) ?? [];
    const listed = [...row.matchAll(/`(\w+)`/g)].map(([, each = '']) => each);
    expect(listed.sort()).toEqual(there.filter((each) => !(each in hookline)).sort());
  });
});

describe('the trainer on the page', () => {
  let folder: string;
  const code = codeBlock('packages/hookline/README.md', 'defineTrainer');

  beforeAll(() => {
    buildCommand();
    folder = temporaryFolder();
    mkdirSync(join(folder, 'node_modules'));
    mkdirSync(join(folder, 'src'));
    symlinkSync(PACKAGE, join(folder, 'node_modules/hookline'), 'dir');
    // The package.json that `npm init` writes today.
    writeFileSync(join(folder, 'package.json'), '{ "name": "page", "type": "commonjs" }');
    writeFileSync(join(folder, 'src/trainer.ts'), code);
    const { compilerOptions } = STRICT;
    const options = { ...compilerOptions, noEmit: true, skipLibCheck: true, verbatimModuleSyntax: false };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['src'] }));
  }, 600_000);

  it('type-checks', () => {
    expect(spawnSync(process.execPath, [TSC, '-p', folder], { encoding: 'utf8' }).stdout).toBe('');
  }, 300_000);

  it('trains as it stands, and says little', () => {
    const env = { ...process.env, NODE_OPTIONS: '' };
    const args = [join(PACKAGE, 'bin/hookline.js'), 'train', 'src/trainer.ts'];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', env });
    const lines = stderr.trimEnd().split('\n');
    expect(lines.filter((line) => /already registered|Hi, looks like|^\d{4}-\d\d-\d\d |warning/i.test(line))).toEqual(
      [],
    );
    expect(lines.length).toBeLessThanOrEqual(20);
    expect(status).toBe(0);
    const metrics = readFileSync(join(folder, 'output/metrics.json'), 'utf8').trim().split('\n').at(-1) ?? '{}';
    expect((JSON.parse(metrics) as { accuracy?: number }).accuracy).toBeGreaterThan(0.9);
  }, 300_000);
});
