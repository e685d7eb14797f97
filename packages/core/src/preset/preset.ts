import type { Plugin } from '../plugin/plugin.ts';

/** What can stand in a list of plugins; lists nest, and falsy entries are left out. */
export type PluginInput = Plugin | Preset | readonly PluginInput[] | false | null | undefined;

/** A change to what a preset holds. */
export type PresetEdit =
  | { readonly kind: 'without'; readonly name: string }
  | { readonly kind: 'configure'; readonly name: string; readonly options: object }
  | { readonly kind: 'replace'; readonly name: string; readonly plugin: Plugin };

/** Marks presets also across several copies of this package. */
export const PRESET_BRAND: unique symbol = Symbol.for('hookline.preset') as never;

/** A named list of plugins. Each method gives a changed copy. */
export interface Preset {
  readonly [PRESET_BRAND]: true;
  readonly name: string;
  readonly version: string;
  readonly extends: readonly Preset[];
  readonly plugins: readonly PluginInput[];
  readonly edits: readonly PresetEdit[];
  /** Leaves plugins out, by name or short name. An unknown name is an error when the trainer is built. */
  without(...names: string[]): Preset;
  /** Merges options into those of one plugin: shallowly, key by key. */
  configure(name: string, options: object): Preset;
  /** Puts another plugin in the place of one. */
  replace(name: string, plugin: Plugin): Preset;
}

/** True for what a preset's factory makes. */
export function isPreset(value: unknown): value is Preset {
  return typeof value === 'object' && value !== null && PRESET_BRAND in value;
}
