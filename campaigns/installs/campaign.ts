import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transpileModule, ModuleKind, ScriptTarget } from 'typescript';
import type { Campaign, Tally } from '../lib/campaign.ts';
import { type PackedManifest, serveRegistry } from './local-registry.ts';
import { run, type Ran } from './run.ts';
import { tryCreate } from './try-create.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Greatest accepted number of lines on standard error. */
const MOST_LINES = 20;
/** Messages of TensorFlow.js, TensorFlow and Node that users should not see. */
const NOISE =
  /already registered|Hi, looks like|ExperimentalWarning|DeprecationWarning|^\d{4}-\d\d-\d\d \d\d:|^[IWEF]\d{4} /m;
/** Settings that pnpm 11 and later need, as given on the page of the package hookline. */
const PNPM = 'allowBuilds:\n  core-js: false\n  esbuild: false\n';

/** A package manager, run with this or another version of Node. */
interface Manager {
  readonly name: string;
  /** Command that installs hookline into a folder with a package.json. */
  readonly install: readonly string[];
  /** Command that runs `hookline`, without its arguments. The Node that runs it is first on the PATH. */
  readonly hookline: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Installs the packed packages into empty folders outside of the repository, as users do, and trains there with the trainer
 * on the page of the package hookline: with npm, pnpm and yarn, with Node 20, 22 and 24, as ES modules and as CommonJS. Each
 * training must finish and print little, and the trainer must type-check. Then makes an app, a plugin and a preset with
 * `npm create hookline`.
 *
 * Options: `--only create` runs only the last part; `--quick` uses only npm and the current Node. Package managers and versions of Node are
 * installed from npm.
 */
const installs: Campaign = async (args, tally, folder) => {
  const upstream = (await run('npm', ['config', 'get', 'registry'], ROOT)).stdout.trim();
  const registry = await serveRegistry(await pack(join(folder, 'packed')), upstream);
  try {
    await tryCreate(
      join(folder, 'created'),
      registry.url,
      args.quick ? ['typescript'] : ['typescript', 'javascript'],
      tally,
    );
    if (args['only'] === 'create') return;
    const tools = args.quick ? [] : ['node22@npm:node@22', 'node24@npm:node@24', 'pnpm@10', '@yarnpkg/cli-dist@4'];
    const tool = await installTools(join(folder, 'tools'), tools);
    const nodes = [process.execPath, ...(args.quick ? [] : [tool('node22/bin/node'), tool('node24/bin/node')])];
    for (const manager of managers(args.quick, tool, join(folder, 'yarn'), registry.url)) {
      await tryManager(manager, nodes, join(folder, manager.name.replaceAll(' ', '-')), registry.url, tally);
    }
  } finally {
    registry.close();
  }
};
export default installs;

function managers(quick: boolean, tool: (path: string) => string, global: string, url: string): Manager[] {
  const direct = [join('node_modules', 'hookline', 'bin', 'hookline.js')];
  const npm: Manager = {
    name: 'npm',
    install: ['npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', 'hookline'],
    hookline: ['node', ...direct],
  };
  if (quick) return [npm];
  const yarn = tool('@yarnpkg/cli-dist/bin/yarn.js');
  const yarnEnv = {
    YARN_NPM_REGISTRY_SERVER: url,
    YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
    YARN_ENABLE_TELEMETRY: '0',
    YARN_ENABLE_IMMUTABLE_INSTALLS: '0',
    // The packed packages change without a new version, so the user's cache must not be used.
    YARN_GLOBAL_FOLDER: global,
  };
  return [
    npm,
    { name: 'pnpm', install: ['node', tool('pnpm/bin/pnpm.cjs'), 'add', 'hookline'], hookline: ['node', ...direct] },
    {
      name: 'yarn with node_modules',
      install: ['node', yarn, 'add', 'hookline'],
      hookline: ['node', ...direct],
      env: { ...yarnEnv, YARN_NODE_LINKER: 'node-modules' },
    },
    {
      name: 'yarn with pnp',
      install: ['node', yarn, 'add', 'hookline'],
      hookline: ['node', yarn, 'hookline'],
      env: { ...yarnEnv, YARN_NODE_LINKER: 'pnp' },
    },
  ];
}

async function tryManager(
  manager: Manager,
  nodes: readonly string[],
  folder: string,
  url: string,
  tally: Tally,
): Promise<void> {
  const page = await readFile(join(ROOT, 'packages', 'hookline', 'README.md'), 'utf8');
  const [, code = ''] = /^```ts\n(.*?)^```$/ms.exec(page) ?? [];
  const { outputText } = transpileModule(code, {
    compilerOptions: { module: ModuleKind.CommonJS, target: ScriptTarget.ES2022 },
  });
  await mkdir(folder);
  const describe = (type: string) => writeFile(join(folder, 'package.json'), JSON.stringify({ ...project, type }));
  let project: object = { name: 'outside', private: true };
  await describe('module');
  await writeFile(join(folder, 'yarn.lock'), '');
  await writeFile(join(folder, 'pnpm-workspace.yaml'), PNPM);
  await writeFile(join(folder, 'trainer.ts'), code);
  await writeFile(join(folder, 'trainer.cjs'), outputText);
  const env = { ...manager.env, npm_config_registry: url };
  const [command = '', ...rest] = manager.install;
  const installed = await run(command, rest, folder, env);
  if (installed.status !== 0) {
    tally.fail(`${manager.name} does not install hookline:\n${installed.stdout}${installed.stderr}`);
    return;
  }
  tally.count('installed');
  project = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as object;
  const [program = '', ...first] = manager.hookline;
  for (const node of nodes) {
    const path = `${dirname(node)}${delimiter}${process.env['PATH'] ?? ''}`;
    const hookline = (...args: string[]) =>
      run(program === 'node' ? node : program, [...first, ...args], folder, { ...env, PATH: path });
    const version = (await run(node, ['--version'], folder)).stdout.trim();
    if (node === nodes[0] && process.env['HOOKLINE_DEVICE'] !== 'wasm') await hookline('setup', '--brief');
    for (const [type, file] of [
      ['module', 'trainer.ts'],
      ['commonjs', 'trainer.ts'],
      ['commonjs', 'trainer.cjs'],
    ] as const) {
      await describe(type);
      await rm(join(folder, 'output'), { recursive: true, force: true });
      const where = `${manager.name}, Node ${version}, ${file} where "type" is "${type}"`;
      if (manager.name === 'yarn with pnp' && version.startsWith('v20.') && type === 'commonjs') {
        // Node 20 cannot load this file under Plug'n'Play, so the error must say what to do instead.
        const { status, stderr } = await hookline('train', file);
        if (status === 1 && stderr.includes("Under Plug'n'Play, Node 20")) tally.count('refused by name');
        else tally.fail(`${where} is not refused as it should be:\n${stderr}`);
        continue;
      }
      checkTraining(where, await hookline('train', file), tally);
      const { stdout, stderr } = await hookline('inspect', file);
      if (!/^step: (will be captured|eager, since it cannot be captured: the backend)/m.test(stdout))
        tally.fail(`${where}: inspect says something else than train does:\n${stdout.slice(-300)}${stderr}`);
    }
  }
}

function checkTraining(where: string, { status, stderr }: Ran, tally: Tally): void {
  const lines = stderr.trimEnd().split('\n');
  const [noise] = lines.filter((line) => NOISE.test(line));
  if (status !== 0) tally.fail(`${where} ends with ${status}:\n${stderr}`);
  else if (noise !== undefined) tally.fail(`${where} prints what is no message of Hookline: ${noise}`);
  else if (lines.length > MOST_LINES) tally.fail(`${where} prints ${lines.length} lines:\n${stderr}`);
  else tally.count('trained');
}

/** Packs every package of the repository into a tarball. */
async function pack(into: string): Promise<PackedManifest[]> {
  await mkdir(into);
  await run('npm', ['pack', '--workspaces', '--pack-destination', into], ROOT);
  const files = await readdir(into);
  return Promise.all(
    files.map(async (file) => {
      const path = join(into, file);
      const { stdout } = await run('tar', ['xzOf', path, 'package/package.json'], into);
      return { path, manifest: JSON.parse(stdout) as PackedManifest['manifest'] };
    }),
  );
}

/** Installs packages from npm. @returns a function that gives the path of a file in one of them */
async function installTools(folder: string, packages: readonly string[]): Promise<(path: string) => string> {
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{ "private": true }');
  if (packages.length > 0)
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages], folder);
  return (path) => join(folder, 'node_modules', path);
}
