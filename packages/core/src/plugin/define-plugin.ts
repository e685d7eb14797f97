import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Requirements } from '../container/service-ref.ts';
import { HooklineError } from '../errors.ts';
import type { HookTable } from '../hooks/hook-spec.ts';
import { assertKnownNames, assertKnownOptions, type OptionNames } from '../known-options.ts';
import { VERSION } from '../version.ts';
import { type AnyPluginDefinition, type Plugin, PLUGIN_BRAND, type PluginDefinition } from './plugin.ts';

/** Needed for a second plugin of the same name in one trainer. */
export interface InstanceOptions {
  /** Tells two plugins of one name apart; each keeps its own state. */
  readonly instance?: string;
}

/** Makes a plugin from its options; the options may be left out where the schema requires none. */
export type PluginFactory<S extends StandardSchemaV1> = ((
  ...args: Record<never, never> extends StandardSchemaV1.InferInput<S>
    ? [options?: StandardSchemaV1.InferInput<S>, instance?: InstanceOptions]
    : undefined extends StandardSchemaV1.InferInput<S>
      ? [options?: StandardSchemaV1.InferInput<S>, instance?: InstanceOptions]
      : [options: StandardSchemaV1.InferInput<S>, instance?: InstanceOptions]
) => Plugin) & {
  /** The definition, for tools. */
  readonly definition: AnyPluginDefinition;
};

type NoOptions = StandardSchemaV1<Record<string, never> | undefined, Record<string, never>>;

const FIELDS = Object.keys({
  name: true,
  version: true,
  description: true,
  core: true,
  options: true,
  before: true,
  after: true,
  provides: true,
  ranks: true,
  writes: true,
  requires: true,
  services: true,
  hooks: true,
  setup: true,
} satisfies OptionNames<AnyPluginDefinition>);
const INSTANCE_OPTIONS = { instance: true } satisfies OptionNames<InstanceOptions>;

const NAME = /^(@[a-z0-9][a-z0-9._~-]*\/)?[a-z0-9][a-z0-9._~-]*(\/[a-z0-9][a-z0-9._~-]*)?$/;

/**
 * Defines a plugin.
 *
 * @example
 * export const stepCounter = definePlugin({
 *   name: 'hookline-plugin-step-counter', version: '1.0.0',
 *   requires: { storage: storageRef },
 *   setup({ hooks, storage }) {
 *     let steps = 0;
 *     hooks.afterStep.tap(() => storage.putScalar('steps', ++steps));
 *     return { state: { save: () => steps, load: (saved) => { steps = Number(saved); } } };
 *   },
 * });
 *
 * @returns a factory: `stepCounter(options?, { instance }?)`; a trainer checks the options when it is prepared
 * @throws HooklineError `HKL_PLUGIN_INVALID` for a definition that cannot work
 */
export function definePlugin<
  S extends StandardSchemaV1 = NoOptions,
  const R extends Requirements = Record<never, never>,
  H extends HookTable = Record<never, never>,
>(definition: PluginDefinition<S, R, H>): PluginFactory<S> {
  const invalid = (what: string, fix: string): HooklineError =>
    new HooklineError('HKL_PLUGIN_INVALID', what, { who: definition.name, fix });
  if (typeof definition.name !== 'string' || !NAME.test(definition.name)) {
    throw invalid(`"${definition.name}" is no plugin name`, 'Use the name of the npm package, in lower case');
  }
  assertKnownNames(definition, FIELDS, (unknown, fix) => invalid(`a plugin has no "${unknown}"`, fix));
  if (typeof definition.version !== 'string' || definition.version === '') {
    throw invalid('the plugin has no version', 'Set version to that of its package');
  }
  if (typeof definition.setup !== 'function')
    throw invalid('the plugin has no setup function', 'Add setup(context, options) {...}');
  if (definition.ranks !== undefined && !['all', 'first'].includes(definition.ranks))
    throw invalid(`ranks is "${definition.ranks}"`, "Set it to 'all' or 'first', or leave it out");
  for (const name of ['hooks', 'own', 'plugin']) {
    if (definition.requires !== undefined && Object.hasOwn(definition.requires, name)) {
      throw invalid(
        `requires cannot use the name "${name}", which setup is given anyway`,
        'Choose another name for it',
      );
    }
  }
  const stored = Object.freeze({ ...definition }) as unknown as AnyPluginDefinition;
  const factory = (options?: unknown, chosen: InstanceOptions = {}): Plugin => {
    assertKnownOptions(definition.name, chosen, INSTANCE_OPTIONS);
    return makePlugin(stored, options, chosen.instance);
  };
  return Object.assign(factory, { definition: stored });
}

/** Makes a plugin from a definition and options, for presets, which change the options only. */
export function makePlugin(definition: AnyPluginDefinition, options: unknown, instance: string | undefined): Plugin {
  return Object.freeze({
    [PLUGIN_BRAND]: true as const,
    id: instance === undefined ? definition.name : `${definition.name}#${instance}`,
    name: definition.name,
    instance,
    options,
    definition,
    builtWith: VERSION,
  });
}
