import { CreateError } from './create-error.ts';

/** Kinds of projects: an app with a trainer file, or a plugin or preset to be published. */
export const KINDS = ['app', 'plugin', 'preset'] as const;
export type Kind = (typeof KINDS)[number];

export const LANGUAGES = ['typescript', 'javascript'] as const;
export type Language = (typeof LANGUAGES)[number];

/** Extensions of source files. */
export const EXTENSIONS: Readonly<Record<Language, string>> = { typescript: 'ts', javascript: 'js' };

/** Names that npm allows for a new package, with or without a scope. */
const NPM_NAME = /^(@[a-z0-9][a-z0-9._~-]*\/)?[a-z0-9][a-z0-9._~-]*$/;
const LONGEST = 214;

/**
 * The name of the package. Plugins and presets get the prefix by which others find them: `loss-ratio` becomes
 * `hookline-plugin-loss-ratio`, and `@lab/loss-ratio` becomes `@lab/hookline-plugin-loss-ratio`.
 *
 * @throws CreateError `HKL_CREATE_NAME` for a name that npm does not allow
 */
export function packageName(kind: Kind, name: string): string {
  if (!NPM_NAME.test(name) || name.length > LONGEST)
    throw new CreateError(
      'HKL_CREATE_NAME',
      `"${name}" cannot be the name of a package`,
      'Use lower-case letters, digits, hyphens, dots and underscores, such as my-name or @scope/my-name',
    );
  if (kind === 'app') return name;
  const [last = '', scope] = name.split('/').reverse();
  const prefix = `hookline-${kind}-`;
  const whole = last.startsWith(prefix) ? last : prefix + last;
  return scope === undefined ? whole : `${scope}/${whole}`;
}

/** The name without scope and prefix: `loss-ratio`. */
export const shortName = (kind: Kind, name: string): string =>
  (name.split('/').at(-1) ?? name).replace(new RegExp(`^hookline-${kind}-`), '');

/** A name for a function: `lossRatio`, or `presetLab` for a preset. */
export function exportName(kind: Kind, name: string): string {
  const words = [...(kind === 'preset' ? ['preset'] : []), ...shortName(kind, name).split(/[^a-z0-9]+/)].filter(
    (word) => word !== '',
  );
  const [first = '', ...rest] = words;
  const camel = first + rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  // The name becomes the name of a function, so one that begins with a digit or is a reserved word needs a prefix.
  return /^\d/.test(camel) || RESERVED.has(camel) ? `${kind}${camel.charAt(0).toUpperCase()}${camel.slice(1)}` : camel;
}

const RESERVED = new Set(
  (
    'arguments await break case catch class const continue debugger default delete do else enum eval export extends false ' +
    'finally for function if implements import in instanceof interface let new null package private protected public return ' +
    'static super switch this throw true try typeof var void while with yield ' +
    // Names that the templates use.
    'checkPluginContract definePlugin definePreset defineState earlyStopping options presetDefault saved storageRef z'
  ).split(' '),
);
