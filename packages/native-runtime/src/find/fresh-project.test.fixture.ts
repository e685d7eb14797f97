import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findNativePackages } from './native-package.ts';

export interface FreshProject {
  /** What npm leaves with install scripts off: the native package without its addon. */
  readonly folder: string;
  readonly packageFolder: string;
  readonly cache: string;
  /** An environment with an empty cache of its own, where nothing else is found but what `path` names. */
  env(variables?: Record<string, string>): NodeJS.ProcessEnv;
}

/** A project in a temporary folder, with every package linked but the native one, which is a copy without addon. */
export function freshProject({ withPackage = true } = {}): FreshProject {
  const [installed] = findNativePackages();
  if (installed === undefined) throw new Error('@tensorflow/tfjs-node-gpu is not installed: run npm ci');
  const modules = dirname(dirname(installed.folder));
  const root = temporaryFolder();
  const folder = join(root, 'project');
  const own = join(folder, 'node_modules');
  mkdirSync(join(own, '@tensorflow'), { recursive: true });
  const link = (name: string) => {
    symlinkSync(join(modules, name), join(own, name));
  };
  readdirSync(modules).filter((name) => name !== '@tensorflow').forEach(link); // prettier-ignore
  const tensorflow = readdirSync(join(modules, '@tensorflow')).map((name) => `@tensorflow/${name}`);
  tensorflow.filter((name) => !name.includes('tfjs-node')).forEach(link);
  const packageFolder = join(own, installed.name);
  if (withPackage) {
    const isProduct = (path: string) => /[/\\]tfjs-node(-gpu)?[/\\](lib|deps)([/\\]|$)/.test(path);
    cpSync(installed.folder, packageFolder, { recursive: true, filter: (path) => !isProduct(path) });
  }
  const cache = join(root, 'cache');
  mkdirSync(join(root, 'empty'));
  return {
    folder,
    packageFolder,
    cache,
    env: (variables = {}) => ({
      PATH: join(root, 'empty'),
      HOME: root,
      HOOKLINE_CACHE: cache,
      // A port that nothing listens on: refused at once, with and without a network.
      TFJS_NODE_CDN_STORAGE: 'http://127.0.0.1:9/',
      ...variables,
    }),
  };
}
