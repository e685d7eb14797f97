import { defineService, type ServiceRef, type DatasetEvaluator } from '@hookline/core';
import type { DataSource } from '@hookline/tfjs';
import type { BaseConfig } from './config/config-schema.ts';

export const configRef: ServiceRef<BaseConfig> = defineService<BaseConfig>('config', {
  description: 'the complete config',
});

/** Creates the loader of one test data set. */
export type TestLoader = (dataset: string) => DataSource | Promise<DataSource>;

export const testLoaderRef: ServiceRef<TestLoader> = defineService<TestLoader>('testLoader', {
  description: 'makes the batches of a test data set (buildTestLoader)',
});

/** The result of `buildEvaluator`: one evaluator, several, or none. */
export type MadeEvaluators = DatasetEvaluator | readonly DatasetEvaluator[] | undefined;

/** Creates the evaluators of one test data set; an empty result skips it. */
export type MakeEvaluators = (dataset: string) => readonly DatasetEvaluator[] | Promise<readonly DatasetEvaluator[]>;

export const evaluatorsRef: ServiceRef<MakeEvaluators> = defineService<MakeEvaluators>('evaluators', {
  description: 'makes the evaluators of a test data set (buildEvaluator)',
});
