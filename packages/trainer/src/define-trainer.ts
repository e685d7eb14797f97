import {
  assertKnownOptions,
  didYouMean,
  HooklineError,
  type Logger,
  type OptionNames,
  type PluginInput,
  type Preset,
  type Provider,
} from '@hookline/core';
import { type DeviceKind, selectDevice } from '@hookline/tfjs';
import type { BaseConfig } from './config/config-schema.ts';
import type { ConfigDefinition } from './config/define-config.ts';
import { describeConfigValues } from './config/merge-config.ts';
import { DefaultTrainer, type DefaultTrainerOptions } from './default-trainer.ts';

/** A class of trainers that take the config `C`. */
type TrainerClass<C extends BaseConfig> = new (config: C, options?: DefaultTrainerOptions) => DefaultTrainer<C>;

/** The trainer that a class creates from a config. */
type TrainerOf<C extends BaseConfig, K extends TrainerClass<C>> = InstanceType<K> & { readonly config: C };

/**
 * The `build*` methods that a trainer file may define, including those of a subclass, as functions with the
 * trainer as the last argument.
 */
export type BuildFunctions<C extends BaseConfig, T> = {
  [Name in BuildName<T>]?: T[Name] extends (config: never, ...args: infer Args) => infer Result
    ? (config: C, ...args: [...Args, trainer: T]) => Written<Result>
    : never;
};

/** If a method is async, a function may be async or not. */
type Written<Result> = [Extract<Result, PromiseLike<unknown>>] extends [never]
  ? Result
  : Awaited<Result> | Promise<Awaited<Result>>;

type BuildName<T> = Exclude<keyof T & `build${string}`, (typeof REPLACED_BY_PLUGINS)[number]>;

/** Methods that the key `plugins` of a trainer file replaces. */
const REPLACED_BY_PLUGINS = ['buildPreset', 'buildPlugins'] as const;

/** The content of a trainer file. */
export type TrainerFile<C extends BaseConfig, K extends TrainerClass<C> = typeof DefaultTrainer<C>> = BuildFunctions<
  C,
  TrainerOf<C, K>
> &
  TrainerFileKeys<C, K>;

interface TrainerFileKeys<C extends BaseConfig, K extends TrainerClass<C>> {
  readonly config: ConfigDefinition<C>;
  /** The trainer class to extend. Default: DefaultTrainer. */
  readonly trainer?: K;
  /**
   * Plugins and presets. A list is added to the trainer's own plugins, which are its default preset and those that the config asks
   * for, except for plugins that the list contains itself or removes; a preset that extends the default one replaces
   * it. A function receives the trainer's preset and returns the list that replaces it.
   *
   * Config keys that were set explicitly override the options that are given here.
   */
  readonly plugins?: readonly PluginInput[] | ((config: C, defaults: Preset) => readonly PluginInput[]);
  /** Your own services: `provide(ref, ...)`, `replace(ref, ...)`. */
  readonly services?: readonly Provider[];
}

/** Changes to the file's settings for one run. */
export interface TrainerOverrides {
  /** Assignments `key.path=value`, as after `--set`. */
  readonly set?: readonly string[];
  /** Short for `output=...`. */
  readonly output?: string;
  /** Short for `device=...`. */
  readonly device?: string;
  /** The kind of device whose config values apply; see `ConfigDefinition.on`. @default none */
  readonly valuesOn?: DeviceKind;
  readonly logger?: Logger;
}

/** Marks trainer definitions, even across several copies of this package. */
export const TRAINER_BRAND: unique symbol = Symbol.for('hookline.trainer') as never;

/** The default export of a trainer file. */
export interface TrainerDefinition<C extends BaseConfig = BaseConfig, T extends DefaultTrainer<C> = DefaultTrainer<C>> {
  readonly [TRAINER_BRAND]: true;
  /** Creates the trainer of this file. */
  create(overrides?: TrainerOverrides): T;
  /**
   * Like `create`, with the config's values for the device. If the config has any, the device is selected first, and a
   * log line says which values apply. The command line creates trainers this way.
   *
   * @throws HooklineError the errors of `selectDevice`
   */
  createOnDevice(overrides?: Omit<TrainerOverrides, 'valuesOn'>): Promise<T>;
}

/** Whether a value is a result of `defineTrainer`. */
export function isTrainerDefinition(value: unknown): value is TrainerDefinition {
  return typeof value === 'object' && value !== null && TRAINER_BRAND in value;
}

/**
 * Defines a trainer: the short form of a subclass of DefaultTrainer. Each `build*` function overrides the
 * method of that name; use `plugins` instead of `buildPreset` and `buildPlugins`.
 *
 * @example
 * export default defineTrainer({
 *   config: defineConfig({ solver: { maxIterations: 700, baseLr: 0.1, warmupIterations: 50 } }),
 *   buildModel: () => layersModel(makeNet(), { loss }),
 *   buildTrainLoader: ({ solver }) => new ArrayLoader(train, { batchSize: solver.batchSize, shuffle: true, repeat: true }),
 * });
 *
 * @throws HooklineError `HKL_TRAINER_FILE` if the definition has no config, or has a name that is not a method of the trainer
 */
export function defineTrainer<C extends BaseConfig, K extends TrainerClass<C> = typeof DefaultTrainer<C>>(
  file: TrainerFile<C, K>,
): TrainerDefinition<C, TrainerOf<C, K>> {
  const { config, plugins, services }: TrainerFileKeys<C, K> = file;
  const Base: TrainerClass<C> = file.trainer ?? DefaultTrainer<C>;
  if (typeof (config as Partial<ConfigDefinition> | undefined)?.resolve !== 'function') {
    throw new HooklineError('HKL_TRAINER_FILE', 'it has no config', {
      who: 'defineTrainer',
      fix: 'Write config: defineConfig({...})',
    });
  }
  class Defined extends Base {}
  const known = new Set([...FILE_KEYS, ...buildNames(Base)]);
  for (const [name, build] of Object.entries(file as Readonly<Record<string, unknown>>)) {
    if (FILE_KEYS.has(name) || build === undefined) continue;
    if ((REPLACED_BY_PLUGINS as readonly string[]).includes(name)) throw notInFiles(name);
    if (typeof build !== 'function' || !known.has(name)) throw unknownKey(name, known);
    Object.defineProperty(Defined.prototype, name, {
      value(this: DefaultTrainer<C>, ...args: unknown[]) {
        return (build as (...args: unknown[]) => unknown)(...args, this);
      },
    });
  }
  const create = (changes: TrainerOverrides = {}): TrainerOf<C, K> => {
    assertKnownOptions('create', changes, OVERRIDES);
    const { valuesOn, logger, ...overrides } = changes;
    const options = {
      ...(plugins && {
        plugins: typeof plugins === 'function' ? (defaults: Preset) => plugins(trainer.config, defaults) : plugins,
      }),
      ...(services && { services }),
      ...(logger && { logger }),
    };
    const trainer = new Defined(config.resolve(assignments(overrides), valuesOn), options) as TrainerOf<C, K>;
    return trainer;
  };
  return {
    [TRAINER_BRAND]: true,
    create,
    createOnDevice: async (overrides = {}) => {
      if (config.devices.length === 0) return create(overrides);
      const { kind, reason } = await selectDevice(config.resolve(assignments(overrides)).device);
      const trainer = create({ ...overrides, valuesOn: kind });
      const values = config.valuesOn(kind);
      if (values !== undefined)
        trainer.logger.info(`recipe:     for ${kind} (${reason}): ${describeConfigValues(values)}`);
      return trainer;
    },
  };
}

function assignments({ set = [], output, device }: TrainerOverrides): string[] {
  return [
    ...set,
    ...(output === undefined ? [] : [`output=${JSON.stringify(output)}`]),
    ...(device === undefined ? [] : [`device=${device}`]),
  ];
}

const FILE_KEYS: ReadonlySet<string> = new Set<keyof TrainerFileKeys<BaseConfig, TrainerClass<BaseConfig>>>([
  'config',
  'trainer',
  'plugins',
  'services',
]);

/** The methods of a trainer, including inherited ones. */
function buildNames(trainer: { readonly prototype: object }): string[] {
  const names: string[] = [];
  for (let at: object | null = trainer.prototype; at !== null; at = Object.getPrototypeOf(at) as object | null)
    names.push(...Object.getOwnPropertyNames(at).filter((name) => name.startsWith('build')));
  return names;
}

function notInFiles(name: string): HooklineError {
  return new HooklineError('HKL_TRAINER_FILE', `"${name}" is a method of classes and has no place in a trainer file`, {
    who: 'defineTrainer',
    fix: 'Write plugins: [...] or plugins: (config, defaults) => [...], or override it in a class and give that as trainer',
  });
}

function unknownKey(name: string, known: Iterable<string>): HooklineError {
  return new HooklineError('HKL_TRAINER_FILE', `"${name}" is no method of its trainer`, {
    who: 'defineTrainer',
    fix: didYouMean(name, known),
  });
}

const OVERRIDES = {
  set: true,
  output: true,
  device: true,
  valuesOn: true,
  logger: true,
} satisfies OptionNames<TrainerOverrides>;
