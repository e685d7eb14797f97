import { HooklineError, type Logger, type PluginInput, type Preset, type Provider } from '@hookline/core';
import type { BaseConfig } from './config/config-schema.ts';
import type { ConfigDefinition } from './config/define-config.ts';
import { DefaultTrainer, type DefaultTrainerOptions } from './default-trainer.ts';

/** The methods of DefaultTrainer that a trainer file may override, as functions with the trainer as last argument. */
export type BuildFunctions<C extends BaseConfig> = {
  [Name in BuildName]?: (
    ...args: [...Parameters<DefaultTrainer<C>[Name]>, trainer: DefaultTrainer<C>]
  ) => ReturnType<DefaultTrainer<C>[Name]>;
};

type BuildName =
  'buildModel' | 'buildOptimizer' | 'buildLrScheduler' | 'buildTrainLoader' | 'buildTestLoader' | 'buildEvaluator';

/** What a trainer file says. */
export interface TrainerFile<C extends BaseConfig> extends BuildFunctions<C> {
  readonly config: ConfigDefinition<C>;
  /** A subclass to start from. Default DefaultTrainer. */
  readonly trainer?: new (config: C, options?: DefaultTrainerOptions) => DefaultTrainer<C>;
  /** Plugins besides the default preset, or a function that is given the preset and lists all of them. */
  readonly plugins?: readonly PluginInput[] | ((config: C, defaults: Preset) => readonly PluginInput[]);
  /** Services of one's own: `provide(ref, ...)`, `replace(ref, ...)`. */
  readonly services?: readonly Provider[];
}

/** What differs from the file in one run. */
export interface TrainerOverrides {
  /** `key.path=value` each, as after `--set`. */
  readonly set?: readonly string[];
  /** Short for `output=...`. */
  readonly output?: string;
  /** Short for `device=...`. */
  readonly device?: string;
  readonly logger?: Logger;
}

/** Marks trainer definitions also across several copies of this package. */
export const TRAINER_BRAND: unique symbol = Symbol.for('hookline.trainer') as never;

/** What a trainer file exports. */
export interface TrainerDefinition<C extends BaseConfig = BaseConfig> {
  readonly [TRAINER_BRAND]: true;
  /** A trainer of this file. */
  create(overrides?: TrainerOverrides): DefaultTrainer<C>;
}

/** True for what `defineTrainer` makes. */
export function isTrainerDefinition(value: unknown): value is TrainerDefinition {
  return typeof value === 'object' && value !== null && TRAINER_BRAND in value;
}

/**
 * Defines a trainer: the short form of a subclass of DefaultTrainer. Each `build*` function takes the place of the
 * method of that name.
 *
 * @example
 * export default defineTrainer({
 *   config: defineConfig({ solver: { maxIterations: 700, baseLr: 0.1 } }),
 *   buildModel: () => layersModel(makeNet(), { loss }),
 *   buildTrainLoader: ({ solver }) => new ArrayLoader(train, { batchSize: solver.batchSize, shuffle: true, repeat: true }),
 * });
 *
 * @throws HooklineError `HKL_TRAINER_FILE` for a definition that cannot work
 */
export function defineTrainer<C extends BaseConfig>(file: TrainerFile<C>): TrainerDefinition<C> {
  const { config, trainer: Base = DefaultTrainer<C>, plugins, services } = file;
  if (typeof (config as Partial<ConfigDefinition> | undefined)?.resolve !== 'function') {
    throw new HooklineError('HKL_TRAINER_FILE', 'it has no config', {
      who: 'defineTrainer',
      fix: 'Write config: defineConfig({...})',
    });
  }
  class Defined extends Base {}
  for (const name of BUILD_NAMES) {
    const build = file[name] as ((...args: unknown[]) => unknown) | undefined;
    if (build === undefined) continue;
    Object.defineProperty(Defined.prototype, name, {
      value(this: DefaultTrainer<C>, ...args: unknown[]) {
        return build(...args, this);
      },
    });
  }
  if (plugins !== undefined) {
    const list = plugins;
    Object.defineProperty(Defined.prototype, 'buildPlugins', {
      value(this: DefaultTrainer<C>, complete: C): readonly PluginInput[] {
        if (typeof list === 'function') return list(complete, this.buildPreset(complete));
        return [...(Base.prototype as DefaultTrainer<C>).buildPlugins.call(this, complete), ...list];
      },
    });
  }
  return {
    [TRAINER_BRAND]: true,
    create: ({ set = [], output, device, logger } = {}) => {
      const overrides = [
        ...set,
        ...(output === undefined ? [] : [`output=${JSON.stringify(output)}`]),
        ...(device === undefined ? [] : [`device=${device}`]),
      ];
      return new Defined(config.resolve(overrides), { ...(services && { services }), ...(logger && { logger }) });
    },
  };
}

const BUILD_NAMES: readonly BuildName[] = [
  'buildModel',
  'buildOptimizer',
  'buildLrScheduler',
  'buildTrainLoader',
  'buildTestLoader',
  'buildEvaluator',
];
