import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { PluginState } from './plugin.ts';

/** A {@link PluginState} with a schema, and `save` and `load` in its types. */
export interface CheckedPluginState<S extends StandardSchemaV1> extends Omit<PluginState, 'schema' | 'save' | 'load'> {
  readonly schema: S;
  save(): StandardSchemaV1.InferInput<S>;
  load(data: StandardSchemaV1.InferOutput<S>, version: number): void;
}

/**
 * The state of a plugin with a schema: what a checkpoint holds is checked by it before anything is loaded, and `load` is
 * given what the schema made of it, in its type.
 *
 * @example
 * return { state: defineState({ schema: z.int().min(0), save: () => steps, load: (saved) => { steps = saved; } }) };
 */
export const defineState = <S extends StandardSchemaV1>(state: CheckedPluginState<S>): PluginState =>
  state as unknown as PluginState;
