import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../../../..');
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
/** The oldest TypeScript that is promised to work, but for older ones of 5. */
const TSC_5 = join(ROOT, 'node_modules/typescript-5/bin/tsc');

/** What `npm pack` says of a tarball. */
export interface Packed {
  readonly name: string;
  readonly path: string;
  readonly files: readonly string[];
}

/** A folder outside of the repository in which packages are written, packed and installed, as other people do it. */
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
    const [packed] = this.#pack(resolve(ROOT, folder));
    if (packed === undefined) throw new Error(`npm pack gave no tarball of ${folder}`);
    return packed;
  }

  /** Packs all packages of the repository as they are built. */
  packAll(): readonly Packed[] {
    return this.#pack(ROOT, '--workspaces');
  }

  #pack(folder: string, ...args: readonly string[]): Packed[] {
    const printed = this.npm(folder, 'pack', ...args, '--json', '--pack-destination', this.dir);
    const said = JSON.parse(printed) as { name: string; filename: string; files: { path: string }[] }[];
    return said.map(({ name, filename, files }) => ({
      name,
      path: join(this.dir, filename),
      files: files.map(({ path }) => path),
    }));
  }

  /**
   * Puts tarballs into `node_modules` of a package, with links to what else the repository has installed: much faster than an
   * installation, which would fetch TensorFlow.js once more.
   */
  unpack(folder: string, tarballs: readonly Packed[]): void {
    const modules = join(folder, 'node_modules');
    mkdirSync(modules, { recursive: true });
    for (const name of readdirSync(join(ROOT, 'node_modules'))) {
      if (name.startsWith('.') || /^(@hookline|hookline)$/.test(name)) continue;
      symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
    }
    for (const { name, path } of tarballs) {
      const target = join(modules, name);
      mkdirSync(target, { recursive: true });
      checked(folder, 'tar', ['-xzf', path, '-C', target, '--strip-components=1']);
    }
  }

  /** Installs tarballs into a package; what they depend on comes from npm's cache where it is there. */
  install(folder: string, tarballs: readonly Packed[]): void {
    const paths = tarballs.map(({ path }) => path);
    this.npm(
      folder,
      'install',
      '--no-save',
      '--prefer-offline',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      ...paths,
    );
  }

  /**
   * Checks and compiles a package with its own tsconfig.json.
   *
   * @param version which TypeScript: the one of the repository, or 5.9
   * @returns what tsc prints; nothing when all is well
   */
  compile(folder: string, version: 'own' | '5.9' = 'own'): string {
    return spawnSync(process.execPath, [version === 'own' ? TSC : TSC_5, '-p', folder], { encoding: 'utf8' }).stdout;
  }

  /** Runs a compiled file. @returns its standard output */
  run(folder: string, file: string, ...args: readonly string[]): string {
    return checked(folder, process.execPath, [file, ...args]);
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Builds a package of the repository, which packs what is built. */
  static build(folder: string): void {
    // The exit status counts the type errors of tests too, which are not packed.
    spawnSync(process.execPath, [TSC, '-b', folder], { cwd: ROOT });
  }

  npm(cwd: string, ...args: readonly string[]): string {
    const script = process.env['npm_execpath'];
    return script?.endsWith('.js') === true
      ? checked(cwd, process.execPath, [script, ...args])
      : checked(cwd, 'npm', args);
  }
}

function checked(cwd: string, command: string, args: readonly string[]): string {
  const env = { ...process.env, NODE_OPTIONS: '', npm_config_workspace: undefined };
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', env });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? ''}\n${stdout}\n${stderr}`);
}

/** The compiler options of a careful user. */
export const STRICT = {
  compilerOptions: {
    target: 'ES2023',
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    strict: true,
    exactOptionalPropertyTypes: true,
    verbatimModuleSyntax: true,
    declaration: true,
    // Types of libraries are checked too: ours among them.
    skipLibCheck: false,
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
    rootDir: 'src',
    outDir: 'dist',
  },
  include: ['src'],
} as const;
