import {
  type Config,
  type ConfigDefinition,
  type ConfigExtension,
  type ConfigInput,
  defineConfig,
} from '@hookline/trainer';
import { ALL, HELD_BACK } from './well-known-names.ts';
import { DETECTION_KEYS } from './detection-keys.ts';

/** The complete config of a {@link DetectionTrainer}, with all defaults filled in. */
export type DetectionConfig = Config<typeof DETECTION_KEYS>;
/** The part of a {@link DetectionConfig} that the user writes. */
export type DetectionConfigInput = ConfigInput<typeof DETECTION_KEYS>;

/**
 * Defines a detection config: a recipe for training on small data sets from scratch, overridden by `values`. The recipe uses
 * batches of 16 images of 160x128 pixels, Adam at 2e-3 with 100 iterations of warm-up and cosine decay, gradients clipped at a
 * norm of 5, 1700 iterations, an evaluation and a checkpoint every 400, and keeps the best checkpoint by `bbox/AP`.
 *
 * @param values overrides of the recipe; see `DETECTION_KEYS` for the keys of detection
 * @param extension additional keys as zod types, by section
 *
 * @example
 * detectionConfig({ output: 'runs/cells', data: { root: 'cells' }, datasets: { train: ['trainval'], test: ['test'] } })
 */
export function detectionConfig(values?: DetectionConfigInput): ConfigDefinition<DetectionConfig>;
export function detectionConfig<const E extends ConfigExtension>(
  values: DetectionConfigInput & ConfigInput<E>,
  extension: E,
): ConfigDefinition<DetectionConfig & Config<E>>;
export function detectionConfig(
  values: DetectionConfigInput = {},
  extension: ConfigExtension = {},
): ConfigDefinition<DetectionConfig> {
  // The implementation's types do not include the keys of the extension.
  return defineConfig(values, merge(DETECTION_KEYS, extension) as typeof DETECTION_KEYS, RECIPE);
}

const RECIPE: DetectionConfigInput = {
  datasets: { train: [ALL], test: [HELD_BACK] },
  test: { evalPeriod: 400 },
  checkpoint: { period: 400, maxToKeep: 2, best: 'bbox/AP' },
  solver: {
    optimizer: 'adam',
    batchSize: 16,
    maxIterations: 1700,
    baseLr: 0.002,
    weightDecay: 0,
    lrSchedule: 'WarmupCosineLR',
    warmupIterations: 100,
    clipGradients: { enabled: true, type: 'global-norm', value: 5 },
  },
};

/** Merges two sets of keys, section by section. */
function merge(keys: ConfigExtension, more: ConfigExtension): ConfigExtension {
  const merged: Record<string, ConfigExtension[string]> = { ...keys };
  for (const [section, fields] of Object.entries(more)) merged[section] = { ...merged[section], ...fields };
  return merged;
}
