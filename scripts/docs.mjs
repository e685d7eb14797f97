import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Application } from 'typedoc';
import { ROOT } from './lib/processes.mjs';

// npm run docs [-- --dev]: builds one site from the guides and the API of every package, in docs/.vitepress/dist.
const SITE = join(ROOT, 'docs', '.vitepress');
const API = join(SITE, 'public', 'api');

/** The entry modules of packages, by package name. @type {Map<string, string>} */
const modules = new Map();
for (const group of ['packages', 'plugins']) {
  for (const folder of readdirSync(join(ROOT, group)).sort()) {
    const entry = join(ROOT, group, folder, 'src', 'index.ts');
    if (!existsSync(entry)) continue;
    modules.set(JSON.parse(readFileSync(join(ROOT, group, folder, 'package.json'), 'utf8')).name, entry);
  }
}

/** Writes the API reference as web pages. @returns whether all its links are valid */
async function writeApi() {
  const folder = mkdtempSync(join(ROOT, 'node_modules', '.api-'));
  try {
    // One program of all sources, so that types of other packages become links.
    const tsconfig = join(folder, 'tsconfig.json');
    const files = [...modules.values()];
    const compilerOptions = { rewriteRelativeImportExtensions: false, allowImportingTsExtensions: true };
    writeFileSync(
      tsconfig,
      JSON.stringify({ extends: join(ROOT, 'tsconfig.all.json'), compilerOptions, files, include: [] }),
    );
    const app = await Application.bootstrap({
      name: 'Hookline',
      entryPoints: files,
      tsconfig,
      readme: 'none',
      navigationLinks: { Guides: '../index.html' },
      // The build checks the types.
      skipErrorChecking: true,
      disableSources: true,
      excludeExternals: true,
      excludePrivate: true,
      hideGenerator: true,
      logLevel: 'Warn',
      validation: { invalidLink: true, notExported: false, invalidPath: false },
      treatValidationWarningsAsErrors: true,
    });
    const project = await app.convert();
    if (project === undefined) return false;
    const names = new Map([...modules].map(([name, entry]) => [entry, name]));
    for (const module of project.children ?? []) {
      module.name = names.get(join(ROOT, module.name, 'index.ts')) ?? module.name;
    }
    app.validate(project);
    await app.generateDocs(project, API);
    return !app.logger.hasErrors();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const isDev = process.argv.includes('--dev');
const isSound = await writeApi();
const vitepress = join(ROOT, 'node_modules', 'vitepress', 'bin', 'vitepress.js');
const { status } = spawnSync(process.execPath, [vitepress, isDev ? 'dev' : 'build', join(ROOT, 'docs')], {
  stdio: 'inherit',
});
process.exitCode = isSound ? (status ?? 1) : 1;
