import type { DataSource } from '@hookline/tfjs';
import type { BaseConfig } from './config/config-schema.ts';

/** The value of a plugin's option according to the config. */
export interface ConfigOption {
  /** The config key; undefined for values that the trainer provides itself, such as a loader. */
  readonly key?: string;
  /** Undefined leaves the option out. */
  readonly value: unknown;
}

/** The config's settings for one plugin. */
export interface PluginConfig {
  readonly options: Readonly<Record<string, ConfigOption>>;
  /** The key that switches the plugin on or off; an `isOn` of undefined does neither. */
  readonly toggle?: { readonly key: string; readonly isOn: boolean | undefined };
  /** Keys that affect the plugin in another way than by an option. */
  readonly keys?: readonly string[];
}

const SCHEDULE = [
  'gamma',
  'steps',
  'numDecays',
  'baseLrEnd',
  'polyPower',
  'warmupIterations',
  'warmupFactor',
  'warmupMethod',
  'rescaleInterval',
].map((key) => `solver.${key}`);

/** The plugin options in a config, by plugin name. */
export function configOfPlugins(config: BaseConfig, preciseBnLoader: DataSource) {
  const { model, solver, test, checkpoint, writers, precision } = config;
  const { clipGradients, amp, reduceOnPlateau } = solver;
  return {
    '@hookline/plugin-lr-scheduler': {
      // Without the option, the plugin uses the schedule of the config or of `buildLrScheduler`.
      options: { schedule: { key: 'solver.lrSchedule', value: undefined } },
      toggle: { key: 'solver.lrSchedule', isOn: true },
      keys: SCHEDULE,
    },
    '@hookline/plugin-reduce-on-plateau': {
      options: {
        metric: { key: 'solver.reduceOnPlateau.metric', value: reduceOnPlateau.metric },
        mode: { key: 'solver.reduceOnPlateau.mode', value: reduceOnPlateau.mode },
        factor: { key: 'solver.reduceOnPlateau.factor', value: reduceOnPlateau.factor },
        patience: { key: 'solver.reduceOnPlateau.patience', value: reduceOnPlateau.patience },
        threshold: { key: 'solver.reduceOnPlateau.threshold', value: reduceOnPlateau.threshold },
        thresholdMode: { key: 'solver.reduceOnPlateau.thresholdMode', value: reduceOnPlateau.thresholdMode },
        cooldown: { key: 'solver.reduceOnPlateau.cooldown', value: reduceOnPlateau.cooldown },
        minLr: { key: 'solver.reduceOnPlateau.minLr', value: reduceOnPlateau.minLr },
      },
      toggle: { key: 'solver.reduceOnPlateau.metric', isOn: reduceOnPlateau.metric !== '' },
    },
    '@hookline/plugin-evaluator': { options: { period: { key: 'test.evalPeriod', value: test.evalPeriod } } },
    '@hookline/plugin-precise-bn': {
      options: {
        loader: { value: preciseBnLoader },
        period: { key: 'test.evalPeriod', value: test.evalPeriod },
        batches: { key: 'test.preciseBn.iterations', value: test.preciseBn.iterations },
      },
      toggle: { key: 'test.preciseBn.enabled', isOn: test.preciseBn.enabled },
    },
    '@hookline/plugin-checkpointer': {
      options: {
        period: { key: 'checkpoint.period', value: checkpoint.period },
        periodMinutes: { key: 'checkpoint.periodMinutes', value: checkpoint.periodMinutes || undefined },
        maxToKeep: { key: 'checkpoint.maxToKeep', value: checkpoint.maxToKeep || undefined },
      },
    },
    '@hookline/plugin-checkpointer/best': {
      options: {
        metric: { key: 'checkpoint.best', value: checkpoint.best },
        mode: { key: 'checkpoint.bestMode', value: checkpoint.bestMode },
      },
      toggle: { key: 'checkpoint.best', isOn: checkpoint.best !== '' },
    },
    '@hookline/plugin-writers': {
      options: {
        period: { key: 'writers.period', value: writers.period },
        windowSize: { key: 'writers.windowSize', value: writers.windowSize },
        tensorboard: { key: 'writers.tensorboard', value: writers.tensorboard },
      },
    },
    '@hookline/plugin-gradient-accumulation': {
      options: { steps: { key: 'solver.accumulationSteps', value: solver.accumulationSteps } },
      toggle: { key: 'solver.accumulationSteps', isOn: solver.accumulationSteps > 1 },
    },
    '@hookline/plugin-loss-scaling': {
      options: {
        initScale: { key: 'solver.amp.initScale', value: amp.initScale },
        growthFactor: { key: 'solver.amp.growthFactor', value: amp.growthFactor },
        backoffFactor: { key: 'solver.amp.backoffFactor', value: amp.backoffFactor },
        growthInterval: { key: 'solver.amp.growthInterval', value: amp.growthInterval },
      },
      // Loss scaling is harmless with other precisions.
      toggle: { key: 'precision', isOn: precision === 'float16' || undefined },
    },
    '@hookline/plugin-gradient-clipping': {
      options: {
        type: { key: 'solver.clipGradients.type', value: clipGradients.type },
        clip: { key: 'solver.clipGradients.value', value: clipGradients.value },
        norm: { key: 'solver.clipGradients.normType', value: clipGradients.normType },
      },
      toggle: { key: 'solver.clipGradients.enabled', isOn: clipGradients.enabled },
    },
    '@hookline/plugin-ema': {
      options: { decay: { key: 'solver.emaDecay', value: solver.emaDecay } },
      toggle: { key: 'solver.emaDecay', isOn: solver.emaDecay > 0 },
    },
    '@hookline/plugin-time-limit': {
      options: { minutes: { key: 'solver.maxMinutes', value: solver.maxMinutes } },
      toggle: { key: 'solver.maxMinutes', isOn: solver.maxMinutes > 0 },
    },
    '@hookline/plugin-epochs': { options: {}, toggle: { key: 'solver.maxEpochs', isOn: solver.maxEpochs > 0 } },
    '@hookline/plugin-data-parallel': {
      options: { syncBatchNorm: { key: 'model.syncBatchNorm', value: model.syncBatchNorm } },
    },
    '@hookline/plugin-plots': { options: {}, toggle: { key: 'writers.plots', isOn: writers.plots } },
  } as const satisfies Readonly<Record<string, PluginConfig>>;
}

/** The options in the form that a plugin accepts. */
export function optionsOf<const O extends PluginConfig['options']>({ options }: { readonly options: O }) {
  const given = Object.entries(options).filter(([, { value }]) => value !== undefined);
  return Object.fromEntries(given.map(([name, { value }]) => [name, value])) as {
    -readonly [Name in keyof O]: O[Name]['value'];
  };
}
