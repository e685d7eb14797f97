// Trainers
export { SimpleTrainer, type SimpleTrainerOptions } from './simple-trainer.ts';
export { DefaultTrainer, type DefaultTrainerOptions } from './default-trainer.ts';
export type { MadeEvaluators } from './trainer-services.ts';
export {
  defineTrainer,
  isTrainerDefinition,
  type BuildFunctions,
  type TrainerDefinition,
  type TrainerFile,
  type TrainerOverrides,
} from './define-trainer.ts';

// Config
export { autoScale } from './config/auto-scale.ts';
export type { BaseConfig, BaseConfigInput } from './config/config-schema.ts';
export {
  defineConfig,
  type Config,
  type ConfigDefinition,
  type ConfigExtension,
  type ConfigInput,
} from './config/define-config.ts';
export type { ConfigValues } from './config/merge-config.ts';
export { z } from 'zod';

// Services that plugins can replace
export { configRef, evaluatorsRef, testLoaderRef, type MakeEvaluators, type TestLoader } from './trainer-services.ts';
