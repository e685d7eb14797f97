import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Provider } from '../container/provider.ts';
import type { HooksToken, Injected, Requirements } from '../container/service-ref.ts';
import type { HookFacades, OwnHooks } from '../hooks/hook-set.ts';
import type { HookTable } from '../hooks/hook-spec.ts';
import type { EngineHooks } from '../hooks/hook-table.ts';
import type { PluginState } from './define-state.ts';

/** Who a plugin is within one trainer. */
export interface PluginIdentity {
  /** `name`, or `name#instance` where there are several of one plugin. */
  readonly id: string;
  readonly name: string;
  readonly instance: string | undefined;
}

/**
 * The short name of a plugin, which people type: `precise-bn` for `@hookline/plugin-precise-bn` or
 * `acme-plugin-precise-bn`.
 */
export function shortName(name: string): string {
  const unscoped = name.startsWith('@') ? name.slice(name.indexOf('/') + 1) : name;
  return unscoped.replace(/^(?:.*-)?(?:plugin|preset)-/, '');
}

/** The short form of a plugin's id. */
export function shortId({ name, instance }: PluginIdentity): string {
  return instance === undefined ? shortName(name) : `${shortName(name)}#${instance}`;
}

/** All names by which people can refer to a plugin: its id, its name, and the short forms of both. */
export function namesOf(plugin: PluginIdentity): readonly string[] {
  return [...new Set([plugin.id, plugin.name, shortName(plugin.name), shortId(plugin)])];
}

/** The plugin that an id names. */
export function identityOf(id: string): PluginIdentity {
  const [name = '', instance] = id.split('#');
  return { id, name, instance };
}

/** What a plugin's setup may return. */
export interface SetupResult {
  readonly state?: PluginState;
  /**
   * Whether the plugin still has something to do although all iterations are done, because the run was interrupted
   * after its last step. `train()` then calls the hooks around the steps without a step, instead of refusing to start.
   * Called once the state has been loaded.
   */
  isUnfinished?(): boolean;
  /**
   * Releases what the plugin holds. It is called once, in the reverse order of setup, whatever the outcome of the
   * training.
   */
  dispose?(): void | Promise<void>;
}

/** What setup is given: the engine's hooks to tap, the plugin's own hooks to call, and what it requires. */
export type SetupContext<R extends Requirements, H extends HookTable> = {
  readonly hooks: HookFacades<EngineHooks>;
  readonly own: OwnHooks<H>;
  readonly plugin: PluginIdentity;
} & { readonly [Name in keyof R]: Injected<R[Name]> };

/** A plugin as its author writes it. */
export interface PluginDefinition<S extends StandardSchemaV1, R extends Requirements, H extends HookTable> {
  /** The name of the npm package, or the package's name and a suffix where it holds several plugins. */
  readonly name: string;
  readonly version: string;
  /** One line for `inspect`. */
  readonly description?: string;
  /** The versions of @hookline/core it works with. Default: compatible with the one it was built against. */
  readonly core?: string;
  /** Any Standard Schema. Default: the plugin takes no options. */
  readonly options?: S;
  /** Names of plugins, or labels, that must come later. A trailing `?` allows for a name that is not there. */
  readonly before?: readonly string[];
  /** Names of plugins, or labels, that must come earlier. A trailing `?` allows for a name that is not there. */
  readonly after?: readonly string[];
  /** Labels that others can order themselves by. */
  readonly provides?: readonly string[];
  /**
   * Where several processes train together, on which of them the plugin is set up. `first`: on the first rank alone, for
   * what writes, draws or shows what is the same on all ranks; such a plugin cannot tap the inside of the step. `all`: on
   * every rank. Default `all`.
   */
  readonly ranks?: 'all' | 'first';
  /**
   * What it writes that no other plugin may write: `learningRate`, `evaluationWeights`, `lossScale`, `metrics/NAME`, or names of
   * its own; also as a function of its options. Two writers of one thing are an error before the first step. A name stands for all below
   * it: `learningRate/mine`, a factor of the learning rate, conflicts with `learningRate` and not with `learningRate/theirs`.
   */
  readonly writes?: readonly string[] | ((options: StandardSchemaV1.InferOutput<S>) => readonly string[]);
  /** What setup needs, by the name under which it wants it. */
  readonly requires?: R;
  /** Services it provides or replaces. */
  readonly services?: (options: StandardSchemaV1.InferOutput<S>) => readonly Provider[];
  /** Hooks of its own, for others to tap. */
  readonly hooks?: HooksToken<H>;
  /** Taps the hooks. Called once per training, in order, before anything runs. */
  setup(context: SetupContext<R, H>, options: StandardSchemaV1.InferOutput<S>): SetupResult | void;
}

/** A definition without its type parameters, as the engine handles it. */
export type AnyPluginDefinition = Omit<
  PluginDefinition<StandardSchemaV1, Requirements, HookTable>,
  'setup' | 'services' | 'writes'
> & {
  readonly writes?: readonly string[] | ((options: unknown) => readonly string[]);
  services?(options: unknown): readonly Provider[];
  setup(context: never, options: unknown): SetupResult | void;
};

/** Marks plugins also across several copies of this package. */
export const PLUGIN_BRAND: unique symbol = Symbol.for('hookline.plugin') as never;

/** A plugin with its options, ready to be listed in a trainer or preset. It holds no state. */
export interface Plugin {
  readonly [PLUGIN_BRAND]: true;
  readonly id: string;
  readonly name: string;
  readonly instance: string | undefined;
  /** The options as they were given. They are checked when a trainer is prepared. */
  readonly options: unknown;
  readonly definition: AnyPluginDefinition;
  /** The version of core that made it. */
  readonly builtWith: string;
}

/** True for what `definePlugin` makes. */
export function isPlugin(value: unknown): value is Plugin {
  return typeof value === 'object' && value !== null && PLUGIN_BRAND in value;
}

// What becomes of a plugin in a trainer: it is listed, arranged among the others, and set up.

/** A plugin of the resolved list, with where it comes from. */
export interface PluginEntry {
  readonly plugin: Plugin;
  /** `you`, or the preset that lists it, with the presets above it: `preset-a > preset-b`. */
  readonly addedBy: string;
  /** What presets or users changed, in words. */
  readonly changes: readonly string[];
}

/** A plugin in its place, with its checked options. */
export interface ArrangedPlugin extends PluginEntry {
  /** Why it stands there: `after X (label)`, `before Y (label)`; empty where only the order of listing counts. */
  readonly reasons: readonly string[];
  /** The options after their schema, with defaults filled in. */
  readonly options: unknown;
  /** What it writes that no other plugin may write. */
  readonly writes: readonly string[];
}

/** A plugin that is set up, with what its setup returned. */
export interface LivePlugin extends ArrangedPlugin {
  readonly result: SetupResult;
}
