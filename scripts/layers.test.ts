import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
const CRUISER = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');

/** Files of a workspace, each with its imports. */
const FILES: Readonly<Record<string, readonly string[]>> = {
  // These imports are allowed: an app, a trainer, a preset, a plugin, the runtime and the engine, each importing the next.
  'packages/hookline/src/index.ts': ['../../trainer/src/index.ts'],
  'packages/trainer/src/index.ts': ['../../../plugins/preset-a/src/index.ts'],
  'plugins/preset-a/src/index.ts': ['../../a/src/index.ts', '../../b/src/index.ts'],
  'plugins/a/src/index.ts': ['../../../packages/vision/src/index.ts'],
  'packages/vision/src/index.ts': ['../../core/src/index.ts'],
  'packages/core/src/index.ts': [],
  // These imports break the rules.
  'plugins/b/src/index.ts': ['../../a/src/index.ts'],
  'packages/core/src/upward.ts': ['../../tfjs/src/index.ts'],
  'packages/native-runtime/src/upward.ts': ['../../tfjs/src/index.ts'],
  'packages/images/src/upward.ts': ['../../vision/src/index.ts'],
  'packages/tfjs/src/index.ts': [],
  'packages/data/src/one.ts': ['./two.ts'],
  'packages/data/src/two.ts': ['./one.ts'],
  'packages/vision/src/models/a.ts': ['../losses/b.ts'],
  'packages/vision/src/models/c.ts': [],
  'packages/vision/src/losses/b.ts': [],
  'packages/vision/src/losses/d.ts': ['../models/c.ts'],
  'packages/vision/src/models/d.ts': ['./blocks/e.ts'],
  'packages/vision/src/models/blocks/e.ts': ['../c.ts'],
  'plugins/c/src/second-way.ts': ['../../../node_modules/sharp/index.ts'],
  'node_modules/sharp/index.ts': [],
};

let folder: string;
beforeAll(() => {
  folder = temporaryFolder();
  cpSync(join(ROOT, 'tsconfig.base.json'), join(folder, 'tsconfig.base.json'));
  for (const [file, imports] of Object.entries(FILES)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    // Type-only imports count too, although they disappear when compiled.
    const lines = imports.map((path, place) => `import type { T as T${place} } from '${path}';`);
    writeFileSync(join(folder, file), `${lines.join('\n')}\nexport type T = ${imports.length > 0 ? 'T0' : '1'};\n`);
  }
});

/** The violations of a config, as lines such as `rule: from → to`. */
function refused(config: string): string[] {
  const args = [CRUISER, '--config', join(ROOT, config), '--output-type', 'json', 'packages', 'plugins'];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
  expect(stderr).toBe('');
  const { summary } = JSON.parse(stdout) as {
    readonly summary: {
      readonly violations: readonly {
        readonly from: string;
        readonly to: string;
        readonly rule: { readonly name: string };
      }[];
    };
  };
  return summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`).sort();
}

it('refuses circular imports, plugins that import plugins, imports that point up and a second way to decode images, and nothing else', () => {
  expect(refused('.dependency-cruiser.cjs')).toEqual([
    'imports-point-down-from-core: packages/core/src/upward.ts → packages/tfjs/src/index.ts',
    'imports-point-down-from-images: packages/images/src/upward.ts → packages/vision/src/index.ts',
    'imports-point-down-from-native-runtime: packages/native-runtime/src/upward.ts → packages/tfjs/src/index.ts',
    'no-circular-imports: packages/data/src/one.ts → packages/data/src/two.ts',
    'one-way-of-preparing-an-image: plugins/c/src/second-way.ts → node_modules/sharp/index.ts',
    'plugins-never-import-plugins: plugins/b/src/index.ts → plugins/a/src/index.ts',
  ]);
});

it('refuses circular imports between the folders of a package, also of a folder and one in it', () => {
  expect(refused('.dependency-cruiser-folders.cjs')).toEqual([
    'folders-import-nothing-from-folders-in-them: packages/vision/src/models/d.ts → packages/vision/src/models/blocks/e.ts',
    'no-circular-folders: packages/vision/src/losses → packages/vision/src/models',
    'no-circular-folders: packages/vision/src/models → packages/vision/src/losses',
  ]);
});
