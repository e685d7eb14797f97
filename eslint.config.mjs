import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Files that a tool loads by their default export. */
const LOADED_BY_DEFAULT_EXPORT = [
  '*.config.{mjs,ts}',
  'scripts/jest-{environment,sequencer}.mjs',
  'examples/**/*.ts',
  'benchmarks/*/bench.ts',
  'docs/.vitepress/**/*.ts',
  'campaigns/*/campaign.ts',
  'campaigns/lib/trainer.ts',
  'packages/tfjs/tfjs.mjs',
  '**/*trainer-file*.ts',
];

const NODE_GLOBALS = Object.fromEntries(
  ['console', 'process', 'performance', 'setTimeout', 'clearTimeout', 'URL', 'Buffer', 'globalThis'].map((name) => [
    name,
    'readonly',
  ]),
);

export default defineConfig(
  globalIgnores([
    'packages/create-hookline/templates/',
    '**/dist/',
    '**/coverage/',
    '**/runs/',
    '**/output/',
    '**/fixtures/',
    'docs/.vitepress/{cache,public}/',
  ]),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.{mjs,cjs,js}'],
    languageOptions: { globals: { ...NODE_GLOBALS, module: 'writable', require: 'readonly' } },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { project: './tsconfig.all.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      // `record['key']` marks a key that may be absent, as `record.key` does not.
      '@typescript-eslint/dot-notation': 'off',
      // Either form may read better. A cast to a type says more than `!`, and a published constant keeps its digits.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      'no-loss-of-precision': 'off',
      '@typescript-eslint/consistent-indexed-object-style': 'off',
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-empty-function': 'off',
      // A tap that returns nothing leaves things as they are; `void` beside a value says so.
      '@typescript-eslint/no-invalid-void-type': 'off',
      // An empty record is the neutral element where types of keys are intersected.
      '@typescript-eslint/no-generated-empty-object-type': 'off',
      // A type parameter that appears once still documents and infers at the call.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      // `||` on strings is meant: an empty environment variable counts as absent.
      '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: { string: true } }],
      // tfjs's functions return whichever type is asked for; an assertion reads better than their type arguments.
      '@typescript-eslint/no-unnecessary-type-assertion': [
        'error',
        { typesToIgnore: ['', '1D', '2D', '3D', '4D'].map((rank) => `tf.Tensor${rank}`).concat('tf.Scalar') },
      ],
      // An async method without await keeps an interface's promise and turns throws into rejections.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
    },
  },
  {
    files: ['**/*.ts', '**/*.mjs'],
    rules: {
      'max-lines': ['error', { max: 400 }],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true, defaultFrom: true } }],
      eqeqeq: 'error',
      'no-console': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['**/*.test.ts', '**/*.test.support.ts', 'packages/testing/**/*.ts'],
    rules: {
      // jest's asymmetric matchers are typed `any`; tests also hand in what the types forbid, on purpose.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  { files: LOADED_BY_DEFAULT_EXPORT, rules: { 'no-restricted-exports': 'off' } },
  {
    files: ['scripts/**', 'benchmarks/**', 'campaigns/**', 'examples/**', 'packages/hookline/src/cli/**'],
    rules: { 'no-console': 'off' },
  },
  // The list of everything that the package exports.
  { files: ['packages/hookline/src/index.ts'], rules: { 'max-lines': 'off' } },
);
