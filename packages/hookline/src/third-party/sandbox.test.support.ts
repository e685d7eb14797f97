import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../../../..');
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');

/** The output of `npm pack` for a tarball. */
export interface Packed {
  readonly name: string;
  readonly path: string;
  readonly files: readonly string[];
}

/** A package of the repository as `npm pack` would pack it. */
export interface PackedPackage extends Packed {
  /** Folder of its sources. */
  readonly folder: string;
}

/**
 * Packs every package of the repository from its current build.
 *
 * @param into folder for the tarballs; `dryRun` writes none and only lists their contents
 */
export function packAll(options: { readonly into: string } | { readonly dryRun: true }): PackedPackage[] {
  const where = 'into' in options ? ['--pack-destination', options.into] : ['--dry-run'];
  const said = JSON.parse(npm(ROOT, 'pack', '--workspaces', '--json', ...where)) as
    PackedByNpm[] | Record<string, PackedByNpm>;
  return Object.values(said).map(({ name, filename, files }) => ({
    name,
    folder: realpathSync(join(ROOT, 'node_modules', name)),
    path: 'into' in options ? join(options.into, filename) : '',
    files: files.map(({ path }) => path),
  }));
}

interface PackedByNpm {
  readonly name: string;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** A folder outside of the repository in which packages are written, packed and installed, as a third party would. */
export class Sandbox {
  readonly dir: string = mkdtempSync(join(tmpdir(), 'hookline-third-party-'));

  /** Writes a package with its sources; objects as JSON. */
  write(name: string, files: Readonly<Record<string, string | object>>): string {
    const folder = join(this.dir, name);
    for (const [file, content] of Object.entries(files)) {
      const path = join(folder, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content, undefined, 2));
    }
    return folder;
  }

  /** Packs a folder, or a package of the repository by its folder there. */
  pack(folder: string): Packed {
    const printed = npm(resolve(ROOT, folder), 'pack', '--json', '--pack-destination', this.dir);
    const [packed] = Object.values(JSON.parse(printed) as PackedByNpm[] | Record<string, PackedByNpm>);
    if (packed === undefined) throw new Error(`npm pack printed ${printed}`);
    return { name: packed.name, path: join(this.dir, packed.filename), files: packed.files.map(({ path }) => path) };
  }

  /** Installs tarballs into a package; their dependencies come from npm's cache if possible. */
  install(folder: string, tarballs: readonly Packed[]): void {
    const paths = tarballs.map(({ path }) => path);
    npm(folder, 'install', '--no-save', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', ...paths);
  }

  /**
   * Unpacks tarballs into `node_modules` of a package and links the repository's other installed packages. This is much faster than an
   * installation, which would download TensorFlow.js again.
   */
  unpack(folder: string, tarballs: readonly Packed[]): void {
    const modules = join(folder, 'node_modules');
    mkdirSync(modules, { recursive: true });
    for (const name of readdirSync(join(ROOT, 'node_modules'))) {
      if (name.startsWith('.') || name === '@hookline' || name === 'hookline') continue;
      symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
    }
    for (const { name, path } of tarballs) {
      const target = join(modules, name);
      mkdirSync(target, { recursive: true });
      checked(folder, 'tar', ['-xzf', path, '-C', target, '--strip-components=1']);
    }
  }

  /** Type-checks and compiles a package with its own tsconfig.json. @returns the output of tsc, which is empty without errors */
  compile(folder: string, tsc: string = TSC): string {
    return spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' }).stdout;
  }

  /**
   * Installs another TypeScript version than the one that builds the packages. It is no dependency of the repository, because its `tsc` command
   * would replace the other one's.
   *
   * @returns path of its compiler, for {@link Sandbox.compile}
   */
  typescript(version: string): string {
    const folder = this.write(`typescript-${version}`, { 'package.json': { private: true } });
    const options = ['--no-save', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'];
    npm(folder, 'install', ...options, `typescript@${version}`);
    return join(folder, 'node_modules/typescript/bin/tsc');
  }

  /** Runs a compiled file with arguments. @returns its standard output */
  run(folder: string, file: string, ...args: readonly string[]): string {
    return checked(folder, process.execPath, [file, ...args]);
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Builds a package of the repository before it is packed. */
  static build(folder: string): void {
    // Ignore the exit status, which includes type errors of tests; those are not packed.
    spawnSync(process.execPath, [TSC, '-b', folder], { cwd: ROOT });
  }
}

function npm(cwd: string, ...args: readonly string[]): string {
  const script = process.env['npm_execpath'];
  return script?.endsWith('.js') === true
    ? checked(cwd, process.execPath, [script, ...args])
    : checked(cwd, 'npm', args);
}

function checked(cwd: string, command: string, args: readonly string[]): string {
  const env = { ...process.env, NODE_OPTIONS: '', npm_config_workspace: undefined };
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', env });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? ''}\n${stdout}\n${stderr}`);
}

/** The strict compiler options of a careful user. */
export const STRICT = {
  compilerOptions: {
    target: 'ES2023',
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    strict: true,
    exactOptionalPropertyTypes: true,
    verbatimModuleSyntax: true,
    declaration: true,
    // Also check the types of libraries, including ours.
    skipLibCheck: false,
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
    rootDir: 'src',
    outDir: 'dist',
  },
  include: ['src'],
} as const;
