import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { failed, lastWords, skipped, used, type Attempt } from '../machine/attempt.ts';
import { inspectMachine, type Machine } from '../machine/machine.ts';
import { nativeCacheFolder, whyCacheUntrusted } from '../find/native-cache.ts';
import { runCommand } from '../machine/run-command.ts';

const SOURCES = fileURLToPath(new URL('../../native/ranks', import.meta.url));
const FILE = 'ranks.node';
const PREFIX = 'ranks-';
const COMPILE_TIMEOUT_MS = 5 * 60_000;
const NAPI = 8;

/** The addon that connects the ranks, as `hookline setup` has compiled it for one MPI. */
export interface RanksAddon {
  readonly path: string;
  /** What the MPI that it was compiled for says of itself, such as `Open MPI v4.1.4`. */
  readonly mpi: string;
  /** When it was compiled, as ISO 8601. */
  readonly built: string;
}

/** Options of {@link compileRanksAddon}. */
export interface CompileRanksOptions {
  /** @default the environment of this process */
  readonly env?: NodeJS.ProcessEnv;
  /** What is known of the machine. @default it is looked at */
  readonly machine?: Pick<Machine, 'nodeHeaders'>;
  /** Compiles although there is one already. @default false */
  readonly force?: boolean;
}

/**
 * Compiles the addon that connects the ranks, with the `mpicxx` in the path (or the one that `MPICXX` names), and keeps it in the cache
 * beside the native TensorFlow, under MPI's version. It takes some seconds, and nothing where it is there already. TensorFlow is not needed.
 *
 * @returns `skipped` where there is no `mpicxx`
 */
export async function compileRanksAddon(options: CompileRanksOptions = {}): Promise<Attempt<RanksAddon>> {
  const { env = process.env, force = false } = options;
  const compiler = env['MPICXX'] ?? 'mpicxx';
  const version = await versionOf(compiler, env);
  if (version === undefined)
    return skipped(`no MPI compiler was found (${compiler}); on Debian it is in libopenmpi-dev`);
  const place = join(nativeCacheFolder(env), entryName(version));
  const untrusted = whyCacheUntrusted(env, place);
  if (untrusted !== '') return failed(untrusted);
  const before = readAddon(place);
  if (before !== undefined && !force) return used(before, 'compiled before');
  const { nodeHeaders } = options.machine ?? (await inspectMachine(env));
  if (nodeHeaders === undefined) return failed('the headers of Node-API were not found (npm package node-api-headers)');
  await mkdir(nativeCacheFolder(env), { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(nativeCacheFolder(env), '.ranks-'));
  try {
    const output = join(folder, FILE);
    const args = [
      ...['-std=c++17', '-O3', '-fPIC', '-shared', '-w', '-fvisibility=hidden', `-DNAPI_VERSION=${NAPI}`],
      ...['-DNODE_GYP_MODULE_NAME=hookline_ranks', '-I', nodeHeaders, '-o', output],
      ...sources()
        .filter((name) => name.endsWith('.cc'))
        .map((name) => join(SOURCES, name)),
      ...['-ldl', '-lpthread'],
    ];
    const compiled = await runCommand(compiler, args, { timeoutMs: COMPILE_TIMEOUT_MS, env });
    if (!compiled.ok) return failed(`the addon did not compile: ${compiled.problem}: ${lastWords(compiled.stderr)}`);
    const script = `${LOAD}; process.stdout.write(load(${JSON.stringify(output)}).version())`;
    const tried = await runCommand(process.execPath, ['-e', script], { timeoutMs: 60_000, env: withoutRank(env) });
    if (!tried.ok) return failed(`the addon does not load: ${tried.problem}: ${lastWords(tried.stderr)}`);
    const manifest = { mpi: mpiName(tried.stdout), built: new Date().toISOString() };
    await writeFile(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    await rm(place, { recursive: true, force: true });
    // Somebody else may have been faster, with the same.
    await rename(folder, place).catch(() => undefined);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const addon = readAddon(place);
  return addon === undefined ? failed(`${place} could not be read back`) : used(addon, `compiled with ${compiler}`);
}

/** What setup has compiled for this version of Hookline, the newest first. Reads only the file system. */
export function findRanksAddons(env: NodeJS.ProcessEnv = process.env): readonly RanksAddon[] {
  const root = nativeCacheFolder(env);
  const own = entryName('');
  const names = existsSync(root) ? readdirSync(root).filter((name) => name.startsWith(own)) : [];
  return names
    .map((name) => join(root, name))
    .filter((folder) => whyCacheUntrusted(env, folder) === '')
    .flatMap((folder) => readAddon(folder) ?? [])
    .sort((a, b) => b.built.localeCompare(a.built));
}

/** The first line of what an MPI says of itself, as `Open MPI v4.1.4` or `MPICH 4.0.2`, without what follows the version. */
export const mpiName = (version: string): string =>
  ((version.split('\n')[0] ?? '').split(',')[0] ?? '').replace(/\s+Version:\s+/, ' ').trim();

/** Loads the addon so that MPI's own plug-ins find MPI's functions: Node alone would keep these to the addon. */
const LOAD =
  "const load = (path) => { const module = { exports: {} }; const { RTLD_NOW, RTLD_GLOBAL } = require('node:os').constants.dlopen; process.dlopen(module, path, RTLD_NOW | RTLD_GLOBAL); return module.exports; }";

function readAddon(folder: string): RanksAddon | undefined {
  const path = join(folder, FILE);
  try {
    const { mpi, built } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as RanksAddon;
    return existsSync(path) ? { path, mpi, built } : undefined;
  } catch {
    return undefined;
  }
}

const sources = (): readonly string[] => readdirSync(SOURCES).sort();

/** Everything that must be equal for an addon to be used again; `mpi` comes last. */
function entryName(mpi: string): string {
  const hash = createHash('sha256');
  for (const name of sources()) hash.update(name).update(readFileSync(join(SOURCES, name)));
  const source = hash.digest('hex').slice(0, 10);
  return `${PREFIX}${source}_napi-${NAPI}_${process.platform}-${process.arch}_${mpi}`;
}

/** The MPI that a compiler compiles for, by the macros of its header. */
async function versionOf(compiler: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const [macros, command] = await Promise.all([
    runCommand(compiler, ['-E', '-dM', '-include', 'mpi.h', '-x', 'c', '/dev/null'], { timeoutMs: 30_000, env }),
    runCommand(compiler, ['-show'], { timeoutMs: 30_000, env }),
  ]);
  if (!macros.ok) return undefined;
  const read = (name: string): string | undefined =>
    new RegExp(`^#define ${name} "?([^"\\s]+)"?`, 'm').exec(macros.stdout)?.[1];
  const open = ['MAJOR', 'MINOR', 'RELEASE'].map((part) => read(`OMPI_${part}_VERSION`));
  const name = open.every((part) => part !== undefined)
    ? `openmpi-${open.join('.')}`
    : `mpich-${read('MPICH_VERSION') ?? read('MVAPICH2_VERSION') ?? 'other'}`;
  // Two installations of one version have different paths.
  const where = createHash('sha256').update(command.stdout).digest('hex').slice(0, 6);
  return `${name.replace(/[^\w.-]/g, '-')}-${where}`;
}

/** An environment in which a process is not taken for a rank, by MPI neither. */
export function withoutRank(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(OMPI_|PMIX?_|PRTE_|MPI_LOCAL)/.test(name)));
}
