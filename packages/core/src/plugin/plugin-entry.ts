import type { Plugin } from './plugin.ts';

/** A plugin of the resolved list, with where it comes from. */
export interface PluginEntry {
  readonly plugin: Plugin;
  /** `you`, or the preset that lists it, with the presets above it: `preset-a > preset-b`. */
  readonly addedBy: string;
  /** What presets or users changed, in words. */
  readonly changes: readonly string[];
}
