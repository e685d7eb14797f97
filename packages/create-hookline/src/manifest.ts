import { EXTENSIONS, type Kind, type Language } from './project-name.ts';

/** Versions of the development dependencies of a project. */
const TOOLS = {
  '@eslint/js': '^10.0.1',
  '@types/node': '^20.19.43',
  eslint: '^10.15.0',
  tsx: '^4.23.15',
  typescript: '~6.0.3',
  'typescript-eslint': '^8.73.0',
} as const;
const ZOD = '^4.6.7';

/** The data for a `package.json`. */
export interface ManifestOptions {
  readonly kind: Kind;
  readonly language: Language;
  /** Name of the package. */
  readonly name: string;
  /** Author; if it is missing, the field is left out. */
  readonly author?: string | undefined;
  /** Version of Hookline; all its packages have the same version. */
  readonly version: string;
}

/** The `package.json` of a new project. */
export function manifest(options: ManifestOptions): Record<string, unknown> {
  return options.kind === 'app' ? appManifest(options) : publishedManifest(options);
}

function appManifest({ language, name, author, version }: ManifestOptions): Record<string, unknown> {
  const file = `trainer.${EXTENSIONS[language]}`;
  return {
    name,
    version: '0.1.0',
    private: true,
    ...authorOf(author),
    type: 'module',
    engines: { node: '^20.19 || >=22.12' },
    scripts: {
      setup: 'hookline setup',
      start: `hookline train ${file}`,
      inspect: `hookline inspect ${file}`,
      ...scripts(language, '.'),
    },
    dependencies: { hookline: `^${version}` },
    devDependencies: tools(language),
  };
}

function publishedManifest({ kind, language, name, author, version }: ManifestOptions): Record<string, unknown> {
  const hookline = `^${version}`;
  const isTypeScript = language === 'typescript';
  const entry = isTypeScript
    ? { types: './dist/index.d.ts', default: './dist/index.js' }
    : { types: './types/index.d.ts', default: './src/index.js' };
  return {
    name,
    version: '0.1.0',
    description: kind === 'plugin' ? 'A plugin for Hookline' : 'A preset of plugins for Hookline',
    license: 'MIT',
    ...authorOf(author),
    type: 'module',
    sideEffects: false,
    engines: { node: '^20.19 || >=22.12' },
    exports: { '.': entry, './package.json': './package.json' },
    files: [isTypeScript ? 'dist' : 'types', 'src', '!**/*.test.*', 'CHANGELOG.md'],
    keywords: ['hookline', `hookline-${kind}`],
    scripts: { build: 'tsc', ...scripts(language, 'src'), prepack: 'npm run build' },
    dependencies:
      kind === 'plugin'
        ? { zod: ZOD }
        : { '@hookline/plugin-early-stopping': hookline, '@hookline/preset-default': hookline },
    peerDependencies: { '@hookline/core': hookline },
    devDependencies: {
      '@hookline/core': hookline,
      '@hookline/testing': hookline,
      ...tools(language),
    },
  };
}

const authorOf = (author: string | undefined): { author?: string } => (author === undefined ? {} : { author });

function scripts(language: Language, folder: string): Record<string, string> {
  const tests = `${folder}/*.test.${EXTENSIONS[language]}`;
  return {
    test: `node ${language === 'typescript' ? '--import tsx ' : ''}--test ${tests}`,
    types: 'tsc --noEmit',
    lint: 'eslint .',
    check: 'npm run types && npm run lint && npm test',
  };
}

function tools(language: Language): Record<string, string> {
  const { tsx, 'typescript-eslint': linter, ...common } = TOOLS;
  return language === 'typescript' ? { ...common, tsx, 'typescript-eslint': linter } : common;
}
