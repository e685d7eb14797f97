import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { JsonValue } from '../json.ts';

/**
 * The state that a plugin keeps in checkpoints. `defineState` makes one whose `save` and `load` have the types of a
 * schema.
 */
export interface PluginState {
  /** Version of the shape of the data; `load` is given the version under which the data were saved. Default 1. */
  readonly version?: number;
  /**
   * A schema of the data: any Standard Schema that validates synchronously. A checkpoint is checked against it before
   * anything is loaded. Default: none, and `load` is given whatever the checkpoint holds.
   */
  readonly schema?: StandardSchemaV1;
  /**
   * Whether a checkpoint may be loaded without this state, or without this plugin; a warning then says so. Default
   * false: adding the plugin to a resumed run, or leaving it out, is an error unless `allowMismatch` names the plugin.
   */
  readonly optional?: boolean;
  /** Returns the state as JSON (NaN and infinities allowed). It may be called at any time between setup and dispose. */
  save(): JsonValue;
  /** Converts data of an older version to the current one, before the schema checks them. */
  migrate?(data: JsonValue, version: number): unknown;
  /** Restores what `save` returned. `version` is the one under which the data were saved. */
  load(data: JsonValue, version: number): void;
  /**
   * Called in place of `load` where the checkpoint holds no state of this plugin: starts afresh. Default: nothing is
   * done.
   */
  reset?(): void;
}

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
