import { HooklineError } from '../errors.ts';
import { assertKnownNames, assertKnownOptions, type OptionNames } from '../known-options.ts';
import { isPlugin, type Plugin } from '../plugin/plugin.ts';
import { isPreset, type PluginInput, type Preset, PRESET_BRAND, type PresetEdit } from './preset.ts';

/** A preset as its author writes it. */
export interface PresetDefinition<Options extends object> {
  /** The name of the npm package. */
  readonly name: string;
  readonly version: string;
  /** Presets whose plugins come first. */
  readonly extends?: readonly Preset[];
  /** All options of `plugins`, as `{ a: true, b: true }`; others are refused. Default: whatever is given is handed on. */
  readonly optionNames?: OptionNames<Options>;
  /** The plugins, or a function that lists them for given options. */
  readonly plugins: readonly PluginInput[] | ((options: Partial<Options>) => readonly PluginInput[]);
}

const FIELDS = Object.keys({
  name: true,
  version: true,
  extends: true,
  optionNames: true,
  plugins: true,
} satisfies OptionNames<PresetDefinition<object>>);

/** Makes a preset from its options. */
export type PresetFactory<Options extends object> = (options?: Options) => Preset;

/**
 * Defines a preset, to be shared as an npm package.
 *
 * @example
 * export const presetVision = definePreset({
 *   name: 'hookline-preset-vision', version: '1.0.0',
 *   extends: [presetDefault().without('iteration-timer')],
 *   plugins: [ema({ decay: 0.999 })],
 * });
 * // plugins: [presetVision().configure('ema', { decay: 0.99 })]
 *
 * @throws HooklineError `HKL_PRESET_INVALID`; the factory raises `HKL_OPTION_UNKNOWN` for an option that there is not
 */
export function definePreset<Options extends object = Record<string, never>>(
  definition: PresetDefinition<Options>,
): PresetFactory<Options> {
  const { name, version, extends: bases = [], plugins } = definition;
  const invalid = (what: string, fix: string): HooklineError =>
    new HooklineError('HKL_PRESET_INVALID', what, { who: name, fix });
  if (typeof name !== 'string' || name === '')
    throw invalid('the preset has no name', 'Set name to that of its package');
  if (typeof version !== 'string' || version === '')
    throw invalid('the preset has no version', 'Set version to that of its package');
  assertKnownNames(definition, FIELDS, (unknown, fix) => invalid(`a preset has no "${unknown}"`, fix));
  const notPreset = (bases as readonly unknown[]).find((base) => !isPreset(base));
  if (notPreset !== undefined) {
    const fix = isPlugin(notPreset) ? 'List plugins under plugins' : 'Call its factory: extends: [presetX()]';
    throw invalid('extends holds something that is no preset', fix);
  }
  // A mere list takes no options.
  const known = definition.optionNames ?? (typeof plugins === 'function' ? undefined : {});
  return (options) => {
    if (known !== undefined) assertKnownOptions(name, options, known);
    const listed = typeof plugins === 'function' ? plugins(options ?? {}) : plugins;
    return makePreset(name, version, bases, listed, []);
  };
}

function makePreset(
  name: string,
  version: string,
  bases: readonly Preset[],
  plugins: readonly PluginInput[],
  edits: readonly PresetEdit[],
): Preset {
  const edited = (...more: PresetEdit[]): Preset => makePreset(name, version, bases, plugins, [...edits, ...more]);
  return Object.freeze({
    [PRESET_BRAND]: true as const,
    name,
    version,
    extends: bases,
    plugins,
    edits,
    without: (...names: string[]) => edited(...names.map((each) => ({ kind: 'without' as const, name: each }))),
    configure: (target: string, options: object) => edited({ kind: 'configure', name: target, options }),
    replace: (target: string, plugin: Plugin) => edited({ kind: 'replace', name: target, plugin }),
  });
}
