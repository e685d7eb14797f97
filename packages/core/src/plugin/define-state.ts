import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { PluginState } from './plugin.ts';

/** A {@link PluginState} whose `save` and `load` have the types of its schema. */
export interface CheckedPluginState<S extends StandardSchemaV1> extends Omit<PluginState, 'schema' | 'save' | 'load'> {
  readonly schema: S;
  save(): StandardSchemaV1.InferInput<S>;
  load(data: StandardSchemaV1.InferOutput<S>, version: number): void;
}

/**
 * Defines the state of a plugin by a schema. What a checkpoint holds is checked against the schema before anything is
 * loaded, and `load` is given the schema's output.
 *
 * @example
 * return { state: defineState({ schema: z.int().min(0), save: () => steps, load: (saved) => { steps = saved; } }) };
 */
export const defineState = <S extends StandardSchemaV1>(state: CheckedPluginState<S>): PluginState =>
  state as unknown as PluginState;
