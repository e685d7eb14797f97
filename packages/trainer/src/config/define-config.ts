import { didYouMean, HooklineError } from '@hookline/core';
import type { DeviceKind } from '@hookline/tfjs';
import { z } from 'zod';
import { applyOverrides } from './apply-overrides.ts';
import { type BaseConfig, type BaseConfigInput, CONFIG_SHAPE } from './config-schema.ts';
import { keysAt } from './key-types.ts';
import { type ConfigValues, isSection, mergeConfig } from './merge-config.ts';
import { isWritten, rememberWritten } from './written-keys.ts';

/** The user's own keys, by section: new sections, or additional keys in existing ones. */
export type ConfigExtension = Readonly<Record<string, Readonly<Record<string, z.ZodType>>>>;

type SectionOutput<S extends Readonly<Record<string, z.ZodType>>> = { [Key in keyof S]: z.output<S[Key]> };
type SectionInput<S extends Readonly<Record<string, z.ZodType>>> = { [Key in keyof S]?: z.input<S[Key]> };

/** A complete config with the keys of an extension. */
export type Config<E extends ConfigExtension = Record<never, never>> = BaseConfig & {
  [Section in keyof E]: SectionOutput<E[Section]>;
};
/** The values that a user writes. */
export type ConfigInput<E extends ConfigExtension = Record<never, never>> = BaseConfigInput & {
  [Section in keyof E]?: SectionInput<E[Section]>;
};

/** A config's schema with the values of one trainer file. */
export interface ConfigDefinition<C extends BaseConfig = BaseConfig> {
  /**
   * Returns the complete config.
   *
   * @param overrides assignments `key.path=value`, as after `--set`
   * @param device the kind of device; the values of `on` for it are applied. Default: none are applied
   * @throws HooklineError `HKL_CONFIG_KEY_UNKNOWN`, `HKL_CONFIG_INVALID`, `HKL_CONFIG_SET`
   */
  resolve(overrides?: readonly string[], device?: DeviceKind): C;
  /**
   * Returns the same config with values for one kind of device, such as a recipe for a slow device. They override the
   * other values, and `--set` overrides them. Another call for the same kind adds values.
   *
   * @example defineConfig({ solver: { batchSize: 16 } }).on('wasm', { solver: { batchSize: 4 } })
   */
  on(device: DeviceKind, values: ConfigValues<C>): ConfigDefinition<C>;
  /** The values that `on` has set for a kind of device. */
  valuesOn(device: DeviceKind): ConfigValues<C> | undefined;
  /** The kinds of devices that `on` was called for. */
  readonly devices: readonly DeviceKind[];
}

/** The keys of the section `solver` for the length of the run, of which only one may be set. */
const ENDS: readonly string[] = ['maxIterations', 'maxEpochs'];

/**
 * Defines a config: detectron2's keys and defaults, your values, and your own keys.
 *
 * @param values the values that differ from the defaults
 * @param extension your own keys as zod types, by section; a key without a default needs a value
 * @param recipe other defaults, for a trainer that has its own; they apply to keys that `values` does not set
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
        const values = own === undefined ? from : override(from, own);
        return applyOverrides(schema, withoutReplacedEnd(values, overridesEnd(overrides)), overrides);
      };
      const result = schema.safeParse(change(override(recipe, values)));
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
        new Map([...onDevices, [device, override(onDevices.get(device) ?? {}, more)]]),
      ),
    valuesOn: (device) => onDevices.get(device),
    devices: [...onDevices.keys()],
  };
}

/** Whether values set the length of the run, in either of the two keys. A `maxEpochs` of 0 leaves it to `maxIterations`. */
const setsEnd = ({ solver }: { readonly solver?: unknown }): boolean =>
  isSection(solver) && Object.entries(solver).some(([key, value]) => isEnd(key, value));

/** The same for overrides from outside. */
const overridesEnd = (overrides: readonly string[]): boolean =>
  overrides.some((override) => {
    const [path = '', value] = override.split('=');
    const [section, key = ''] = path.trim().split('.');
    return section === 'solver' && isEnd(key, Number(value));
  });

const isEnd = (key: string, value: unknown): boolean => ENDS.includes(key) && !(key === 'maxEpochs' && value === 0);

/** Removes the length of the run from values when others that set it take their place, in whichever of the two keys. */
function withoutReplacedEnd(values: object, isReplaced: boolean): object {
  const { solver } = values as { readonly solver?: unknown };
  if (!isReplaced || !isSection(solver)) return values;
  return { ...values, solver: Object.fromEntries(Object.entries(solver).filter(([key]) => !ENDS.includes(key))) };
}

/** Merges values that take precedence, such as those of a kind of device. If they set the length of the run, they replace both of its keys. */
const override = (values: object, own: object): object => mergeConfig(withoutReplacedEnd(values, setsEnd(own)), own);

/** @throws HooklineError `HKL_CONFIG_INVALID` if both `solver.maxIterations` and `solver.maxEpochs` are set */
function checked<C extends BaseConfig>(config: C): C {
  if (config.solver.maxEpochs === 0 || !isWritten(config, 'solver.maxIterations')) return config;
  throw new HooklineError('HKL_CONFIG_INVALID', 'both solver.maxIterations and solver.maxEpochs are written', {
    who: 'config',
    fix: 'Leave one of them out',
  });
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

/** @throws HooklineError `HKL_CONFIG_KEY_UNKNOWN` for the first unknown key, with a suggestion */
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
