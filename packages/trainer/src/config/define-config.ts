import { didYouMean, HooklineError } from '@hookline/core';
import type { DeviceKind } from '@hookline/tfjs';
import { z } from 'zod';
import { applyOverrides } from './apply-overrides.ts';
import { type BaseConfig, type BaseConfigInput, CONFIG_SHAPE } from './config-schema.ts';
import { keysAt } from './key-types.ts';
import { type ConfigPart, isSection, layOver } from './lay-over.ts';
import { isWritten, rememberWritten } from './written-keys.ts';

/** Keys of the user's own, by section: new sections, or more keys in those that exist. */
export type ConfigExtension = Readonly<Record<string, Readonly<Record<string, z.ZodType>>>>;

type SectionOutput<S extends Readonly<Record<string, z.ZodType>>> = { [Key in keyof S]: z.output<S[Key]> };
type SectionInput<S extends Readonly<Record<string, z.ZodType>>> = { [Key in keyof S]?: z.input<S[Key]> };

/** A complete config with the keys of an extension. */
export type Config<E extends ConfigExtension = Record<never, never>> = BaseConfig & {
  [Section in keyof E]: SectionOutput<E[Section]>;
};
/** What one writes of it. */
export type ConfigInput<E extends ConfigExtension = Record<never, never>> = BaseConfigInput & {
  [Section in keyof E]?: SectionInput<E[Section]>;
};

/** A config's schema together with the values of one trainer file. */
export interface ConfigDefinition<C extends BaseConfig = BaseConfig> {
  /**
   * The complete config.
   *
   * @param overrides `key.path=value` each, as after `--set`
   * @param device what it is for; its values of `on` hold then. Default none: they do not
   * @throws HooklineError `HKL_CONFIG_KEY_UNKNOWN`, `HKL_CONFIG_INVALID`, `HKL_CONFIG_SET`
   */
  resolve(overrides?: readonly string[], device?: DeviceKind): C;
  /**
   * The same config with values that hold on one kind of device, such as a recipe that fits a slow one. They take the
   * place of the others, and `--set` takes theirs. Called again for the same kind, it adds to them.
   *
   * @example defineConfig({ solver: { batchSize: 16 } }).on('wasm', { solver: { batchSize: 4 } })
   */
  on(device: DeviceKind, values: ConfigPart<C>): ConfigDefinition<C>;
  /** What `on` was given for a kind of device. */
  valuesOn(device: DeviceKind): ConfigPart<C> | undefined;
  /** The kinds of devices that `on` was called for. */
  readonly devices: readonly DeviceKind[];
}

/** The keys of the section `solver` of which one says where the run ends. */
const ENDS: readonly string[] = ['maxIterations', 'maxEpochs'];

/**
 * Defines a config: detectron2's keys with its defaults, the values that differ, and keys of one's own.
 *
 * @param values what differs from the defaults
 * @param extension keys of one's own as zod types, by section; a type without a default must be given a value
 * @param recipe defaults of one's own, for a trainer that brings some: of each section, what `values` does not say
 *
 * @example
 * const config = defineConfig(
 *   { solver: { maxIterations: 700, baseLr: 0.1, warmupIterations: 50 } },
 *   { data: { root: z.string().default('') } },
 * );
 */
export function defineConfig(values?: BaseConfigInput): ConfigDefinition;
export function defineConfig<const E extends ConfigExtension>(
  values: ConfigInput<E>,
  extension: E,
  recipe?: ConfigInput<E>,
): ConfigDefinition<Config<E>>;
export function defineConfig(
  values: object = {},
  extension: ConfigExtension = {},
  recipe: object = {},
): ConfigDefinition {
  return makeDefinition(extendSchema(extension), values, recipe, new Map());
}

function makeDefinition(
  schema: z.ZodObject,
  values: object,
  recipe: object,
  onDevices: ReadonlyMap<DeviceKind, object>,
): ConfigDefinition {
  return {
    resolve: (overrides = [], device) => {
      const own = device === undefined ? undefined : onDevices.get(device);
      const change = (from: object) => {
        const values = own === undefined ? from : layOver(from, own);
        return applyOverrides(schema, withoutReplacedEnd(values, overrides), overrides);
      };
      const result = schema.safeParse(change(fillIn(values, recipe)));
      if (result.success) return checked(rememberWritten(result.data as unknown as BaseConfig, change(values)));
      assertKnownKeys(schema, result.error);
      throw new HooklineError('HKL_CONFIG_INVALID', describeIssues(result.error), {
        who: 'config',
        cause: result.error,
      });
    },
    on: (device, more) =>
      makeDefinition(
        schema,
        values,
        recipe,
        new Map([...onDevices, [device, layOver(onDevices.get(device) ?? {}, more)]]),
      ),
    valuesOn: (device) => onDevices.get(device),
    devices: [...onDevices.keys()],
  };
}

/** An end of the run that is set from outside takes the place of the one that the values have, in whichever of the two keys. */
function withoutReplacedEnd(values: object, overrides: readonly string[]): object {
  const { solver } = values as { readonly solver?: unknown };
  const set = ENDS.find((key) => overrides.some((override) => override.split('=')[0]?.trim() === `solver.${key}`));
  if (set === undefined || !isSection(solver)) return values;
  return { ...values, solver: Object.fromEntries(Object.entries(solver).filter(([key]) => !ENDS.includes(key))) };
}

/** @throws HooklineError `HKL_CONFIG_INVALID` where both ends are written */
function checked<C extends BaseConfig>(config: C): C {
  if (config.solver.maxEpochs === 0 || !isWritten(config, 'solver.maxIterations')) return config;
  throw new HooklineError('HKL_CONFIG_INVALID', 'both solver.maxIterations and solver.maxEpochs are written', {
    who: 'config',
    fix: 'Leave one of them out',
  });
}

/** Values with those of a recipe where they say nothing: section by section, and of a section key by key. */
function fillIn(values: object, recipe: object): object {
  const filled: Record<string, unknown> = { ...recipe, ...values };
  for (const [key, value] of Object.entries(recipe)) {
    const said = (values as Readonly<Record<string, unknown>>)[key];
    if (isSection(value) && isSection(said)) filled[key] = { ...value, ...said };
  }
  return filled;
}

function extendSchema(extension: ConfigExtension): z.ZodObject {
  const shape: Record<string, z.ZodType> = { ...CONFIG_SHAPE };
  for (const [section, fields] of Object.entries(extension)) {
    const existing = shape[section];
    const inner = existing instanceof z.ZodPrefault ? existing.unwrap() : z.strictObject({});
    if (existing !== undefined && !(existing instanceof z.ZodPrefault)) {
      throw new HooklineError('HKL_CONFIG_INVALID', `"${section}" is a key of every config, not a section`, {
        who: 'config',
        fix: 'Choose another name',
      });
    }
    shape[section] = (inner as z.ZodObject).extend(fields).prefault({});
  }
  return z.strictObject(shape);
}

/** @throws HooklineError `HKL_CONFIG_KEY_UNKNOWN` for the first key that there is not, with a suggestion */
function assertKnownKeys(schema: z.ZodObject, error: z.ZodError): void {
  for (const issue of error.issues) {
    if (issue.code !== 'unrecognized_keys') continue;
    const [key = ''] = issue.keys;
    throw new HooklineError('HKL_CONFIG_KEY_UNKNOWN', `there is no key "${[...issue.path, key].join('.')}"`, {
      who: 'config',
      fix: didYouMean(key, keysAt(schema, issue.path)),
      cause: error,
    });
  }
}

function describeIssues(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => (path.length === 0 ? message : `"${path.join('.')}": ${message}`))
    .join('; ');
}
