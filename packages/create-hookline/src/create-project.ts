import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateError } from './create-error.ts';
import { manifest } from './manifest.ts';
import { exportName, EXTENSIONS, type Kind, type Language, packageName, shortName } from './project-name.ts';

const TEMPLATES = fileURLToPath(new URL('../templates', import.meta.url));

/** Options of {@link createProject}. */
export interface ProjectOptions {
  readonly kind: Kind;
  /** Name of the package; plugins and presets get the prefix `hookline-plugin-` or `hookline-preset-`. */
  readonly name: string;
  /** @default 'typescript' */
  readonly language?: Language;
  /** Target folder, which must be empty or not exist. Default: the package's name without its scope, in the current folder. */
  readonly folder?: string;
  /** Author in `package.json` and in the licence. Default: none. */
  readonly author?: string | undefined;
}

/** A created project. */
export interface CreatedProject {
  /** Name of the package. */
  readonly name: string;
  readonly folder: string;
  /** Paths of its files in the folder, in alphabetical order. */
  readonly files: readonly string[];
}

/**
 * Writes a new project: an app with a trainer file, or a plugin or preset that is ready to be published, with a test, types,
 * lint and a CI workflow.
 *
 * @throws CreateError `HKL_CREATE_NAME` for a name that npm does not allow, `HKL_CREATE_FOLDER` if the folder is not empty
 */
export async function createProject(options: ProjectOptions): Promise<CreatedProject> {
  const { kind, language = 'typescript', author } = options;
  const name = packageName(kind, options.name);
  const folder = resolve(options.folder ?? (name.split('/').at(-1) as string));
  if (existsSync(folder) && (await contentOf(folder)).length > 0)
    throw new CreateError('HKL_CREATE_FOLDER', `${folder} is not an empty folder`, 'Name another one with --folder');

  const version = await ownVersion();
  const values: Readonly<Record<string, string>> = {
    name,
    export: exportName(kind, name),
    metric: shortName(kind, name).replaceAll(/[^a-z0-9]+/g, '_'),
    extension: EXTENSIONS[language],
    year: String(new Date().getFullYear()),
    author: author ?? `the authors of ${name}`,
  };
  const files = new Map<string, string>();
  for (const template of templatesOf(kind, language)) {
    const root = join(TEMPLATES, template);
    for (const path of await filesIn(root)) {
      const text = await readFile(join(root, path), 'utf8');
      // npm leaves files that begin with a dot out of packages, or treats them specially, so the templates have other names. A source is the same in both languages.
      const place = path.replaceAll(/(^|\/)_/g, '$1.').replace(/\.source$/, `.${EXTENSIONS[language]}`);
      files.set(
        place,
        text.replaceAll(/\{\{(\w+)\}\}/g, (whole, key: string) => values[key] ?? whole),
      );
    }
  }
  files.set('package.json', `${JSON.stringify(manifest({ kind, language, name, author, version }), undefined, 2)}\n`);
  for (const [path, text] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text, { flag: 'wx' });
  }
  return { name, folder, files: [...files.keys()].sort() };
}

/** Template folders from general to specific; a later one replaces files of an earlier one. */
const templatesOf = (kind: Kind, language: Language): string[] => [
  'every-project',
  language,
  ...(kind === 'app' ? [] : ['every-package']),
  kind,
  `${kind}-${language}`,
];

async function contentOf(folder: string): Promise<string[]> {
  try {
    // A git repository that was created first does not count as content.
    return (await readdir(folder)).filter((entry) => entry !== '.git');
  } catch (cause) {
    throw new CreateError('HKL_CREATE_FOLDER', `${folder} is not a folder`, 'Name another one with --folder', {
      cause,
    });
  }
}

async function filesIn(root: string): Promise<string[]> {
  if (!existsSync(root)) return [];
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

async function ownVersion(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
