import { existsSync, readFileSync } from 'node:fs';
import Module from 'node:module';
import { dirname, extname, join } from 'node:path';

type Load = (module: object, filename: string) => void;

/**
 * Lets tsx take over `require`, but for what Node itself counts as ES modules in JavaScript.
 *
 * tsx compiles such a file into a CommonJS module of its own. A trainer file that is CommonJS would then get a second
 * copy of Hookline and of every other package that is an ES module: its classes are not those of the command line, and its
 * backends are registered twice. Node's own `require` gives the one that `import` gives.
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

/** Files of every unknown ending come here; what Node counts as an ES module goes by its ending, then by package.json. */
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
