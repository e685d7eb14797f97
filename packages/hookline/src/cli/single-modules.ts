import { existsSync, readFileSync } from 'node:fs';
import Module from 'node:module';
import { dirname, extname, join } from 'node:path';

type Load = (module: object, filename: string) => void;

/**
 * Lets tsx handle `require`, except for JavaScript files that Node treats as ES modules.
 *
 * tsx would compile such a file into a separate CommonJS module. A CommonJS trainer file would then get a second
 * copy of Hookline and of every other ES module package: its classes would differ from those of the command line, and its
 * backends would be registered twice. Node's own `require` returns the same module as `import`.
 */
export function keepModulesSingle(register: () => void): void {
  const extensions = (Module as unknown as { _extensions: Record<string, Load | undefined> })._extensions;
  const { '.js': native } = extensions;
  register();
  const { '.js': compile } = extensions;
  if (native === undefined || compile === undefined) return;
  extensions['.js'] = (module, filename) => {
    (isEsModule(filename) ? native : compile)(module, filename);
  };
}

const folders = new Map<string, boolean>();

/** Called for files of every extension. Node decides whether a file is an ES module by its extension, then by package.json. */
function isEsModule(filename: string): boolean {
  const ending = extname(filename);
  return ending === '.mjs' || (ending === '.js' && isModuleFolder(dirname(filename)));
}

function isModuleFolder(folder: string): boolean {
  const known = folders.get(folder);
  if (known !== undefined) return known;
  const manifest = join(folder, 'package.json');
  const parent = dirname(folder);
  let isModule = false;
  if (existsSync(manifest)) {
    const { type } = JSON.parse(readFileSync(manifest, 'utf8')) as { type?: unknown };
    isModule = type === 'module';
  } else if (parent !== folder) isModule = isModuleFolder(parent);
  folders.set(folder, isModule);
  return isModule;
}
