import { assertKnownOptions, didYouMean, HooklineError, type OptionNames } from '@hookline/core';
import { type NamedParameters, parameterKind } from './parameter-kind.ts';

/** Parameters that share their hyperparameters. */
export interface ParameterGroup {
  /** Names of the variables, in the model's order. */
  readonly names: readonly string[];
  /** Factor by which the optimizer's learning rate is multiplied. */
  readonly lrFactor: number;
  /** Weight decay, λ in the optimizer's formula. */
  readonly weightDecay: number;
}

/** Hyperparameters of one parameter that override all others. */
export interface ParameterOverride {
  /** Factor by which the optimizer's learning rate is multiplied. */
  readonly lrFactor?: number;
  /** An absolute learning rate instead of a factor; requires the base learning rate. */
  readonly learningRate?: number;
  readonly weightDecay?: number;
}

/** Which hyperparameters apply to which parameters. Later options in this list override earlier ones. */
export interface ParameterGroupOptions {
  /** The base learning rate, to which `learningRate` in `overrides` is relative. */
  readonly learningRate?: number;
  /** Weight decay of every parameter. @default 0 */
  readonly weightDecay?: number;
  /** Weight decay of gamma and beta of normalisation layers. @default weightDecay */
  readonly weightDecayNorm?: number;
  /** Returns the learning-rate factor of a parameter from its full name. */
  readonly lrFactor?: (name: string) => number;
  /** Learning-rate factor of biases; overrides `lrFactor`. @default 1 */
  readonly biasLrFactor?: number;
  /** Weight decay of biases, and of a beta named `bias`. @default weightDecay */
  readonly weightDecayBias?: number;
  /**
   * Overrides by the last part of a parameter's name (`bias`) or by its full name (`dense_1/bias`); the full name wins.
   */
  readonly overrides?: Readonly<Record<string, ParameterOverride>>;
}

/** All names of {@link ParameterGroupOptions}. */
export const PARAMETER_GROUP_OPTIONS = Object.freeze({
  learningRate: true,
  weightDecay: true,
  weightDecayNorm: true,
  lrFactor: true,
  biasLrFactor: true,
  weightDecayBias: true,
  overrides: true,
}) satisfies OptionNames<ParameterGroupOptions>;

const OVERRIDE_OPTIONS = {
  lrFactor: true,
  learningRate: true,
  weightDecay: true,
} satisfies OptionNames<ParameterOverride>;

const lastPart = (name: string): string => name.slice(name.lastIndexOf('/') + 1);

/**
 * Groups a model's trainable parameters by equal hyperparameters (detectron2's get_default_optimizer_params). It
 * applies the defaults, then the options for norm layers, then `lrFactor`, then overrides by name. Frozen parameters
 * are in no group, and a shared parameter is in exactly one.
 *
 * @throws HooklineError `HKL_GROUP_CONFLICT` when `overrides.bias` and the bias options are both given,
 * `HKL_GROUP_NEEDS_LR` when an override has a learning rate and there is no base, `HKL_UNKNOWN_PARAMETER` when an
 * override matches no parameter, `HKL_GROUP_VALUE` when a factor or decay is not a finite number of at least 0,
 * `HKL_OPTION_UNKNOWN` for a misspelt option
 */
export function parameterGroups(model: NamedParameters, options: ParameterGroupOptions = {}): ParameterGroup[] {
  assertKnownOptions('parameterGroups', options, PARAMETER_GROUP_OPTIONS);
  const { weightDecay = 0, weightDecayNorm, lrFactor } = options;
  const names = [...model.trainable().keys()];
  const overrides = collectOverrides(names, options);
  const groups = new Map<string, { names: string[]; lrFactor: number; weightDecay: number }>();
  for (const name of names) {
    const isNorm = parameterKind(model, name) === 'norm';
    const found = {
      lrFactor: lrFactor?.(name) ?? 1,
      weightDecay: (isNorm ? weightDecayNorm : undefined) ?? weightDecay,
      ...overrides.get(lastPart(name)),
      ...overrides.get(name),
    };
    for (const [option, value] of Object.entries(found)) {
      if (Number.isFinite(value) && value >= 0) continue;
      throw new HooklineError('HKL_GROUP_VALUE', `${option} of "${name}" is ${value}`, {
        who: 'parameter groups',
        fix: 'Give a finite number of at least 0',
      });
    }
    const key = `${found.lrFactor} ${found.weightDecay}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { names: [name], ...found });
    else group.names.push(name);
  }
  return [...groups.values()];
}

type Override = { lrFactor?: number; weightDecay?: number };

function collectOverrides(names: readonly string[], options: ParameterGroupOptions): Map<string, Override> {
  const { biasLrFactor = 1, weightDecayBias, learningRate: base, overrides = {} } = options;
  const collected = new Map<string, Override>();
  const known = new Set([...names, ...names.map(lastPart)]);
  for (const [name, given] of Object.entries(overrides)) {
    assertKnownOptions(`override of "${name}"`, given, OVERRIDE_OPTIONS);
    const { lrFactor, learningRate, weightDecay } = given;
    if (!known.has(name)) {
      throw new HooklineError('HKL_UNKNOWN_PARAMETER', `no trainable parameter is called "${name}"`, {
        who: 'option overrides of the parameter groups',
        fix: didYouMean(name, known),
      });
    }
    if (learningRate !== undefined && (base === undefined || base === 0)) {
      throw new HooklineError(
        'HKL_GROUP_NEEDS_LR',
        `the override of "${name}" has a learning rate but there is no base`,
        {
          who: 'option overrides of the parameter groups',
          fix: 'Give learningRate beside overrides, or use lrFactor',
        },
      );
    }
    const override: Override = {};
    if (lrFactor !== undefined) override.lrFactor = lrFactor;
    if (learningRate !== undefined) override.lrFactor = learningRate / (base as number);
    if (weightDecay !== undefined) override.weightDecay = weightDecay;
    collected.set(name, override);
  }
  if (biasLrFactor !== 1 || weightDecayBias !== undefined) {
    if (collected.has('bias')) {
      throw new HooklineError('HKL_GROUP_CONFLICT', 'overrides has "bias", and the bias options are given as well', {
        who: 'parameter groups',
        fix: 'Use either biasLrFactor and weightDecayBias, or overrides.bias',
      });
    }
    const bias: Override = {};
    if (biasLrFactor !== 1) bias.lrFactor = biasLrFactor;
    if (weightDecayBias !== undefined) bias.weightDecay = weightDecayBias;
    collected.set('bias', bias);
  }
  return collected;
}
