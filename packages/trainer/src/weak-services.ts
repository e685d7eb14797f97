import { join } from 'node:path';
import {
  type DatasetEvaluator,
  HooklineError,
  type RankShare,
  type Results,
  shareData,
  type SharedData,
} from '@hookline/core';
import { type DataSource, type ExportSource, invalidDataError, openData } from '@hookline/tfjs';
import type { BaseConfig } from './config/config-schema.ts';
import type { MadeEvaluators, MakeEvaluators, TestLoader } from './trainer-services.ts';

// These are functions of the module, not methods of the trainer, because a closure made in a method keeps `this` alive even if it does not use it.

/** The part of a `DefaultTrainer` that these services use. */
interface ServingTrainer<C extends BaseConfig> {
  readonly config: C;
  readonly outputDir: string;
  readonly random: { readonly seed: number };
  buildTrainLoader(config: C): DataSource | Promise<DataSource>;
  buildTestLoader(config: C, dataset: string): ReturnType<TestLoader>;
  buildEvaluator(config: C, dataset: string, folder: string): MadeEvaluators | Promise<MadeEvaluators>;
  datasetName(dataset: string): string;
  exportSource(): Promise<ExportSource>;
  test(): Promise<Results>;
}

type TrainerRef<C extends BaseConfig> = WeakRef<ServingTrainer<C>>;

/** The service `testLoader`: calls `buildTestLoader` of a weakly held trainer. */
export function weakTestLoader<C extends BaseConfig>(reference: TrainerRef<C>): TestLoader {
  return (dataset) => {
    const trainer = alive(reference, 'testLoader');
    return trainer.buildTestLoader(trainer.config, dataset);
  };
}

/** The service `evaluators`: calls `buildEvaluator` of a weakly held trainer, and returns a list. */
export function weakEvaluators<C extends BaseConfig>(reference: TrainerRef<C>): MakeEvaluators {
  return async (dataset) => {
    const trainer = alive(reference, 'evaluators');
    const folder = join(trainer.outputDir, 'inference', trainer.datasetName(dataset));
    const made = await trainer.buildEvaluator(trainer.config, dataset, folder);
    if (made === undefined) return [];
    return Array.isArray(made) ? (made as readonly DatasetEvaluator[]) : [made as DatasetEvaluator];
  };
}

/** The service `exportSource`: calls `exportSource` of a weakly held trainer. */
export function weakExportSource<C extends BaseConfig>(reference: TrainerRef<C>): () => Promise<ExportSource> {
  return () => alive(reference, 'exportSource').exportSource();
}

/** Calls `test` of a weakly held trainer, for the plugin that evaluates. */
export function weakTest<C extends BaseConfig>(reference: TrainerRef<C>): () => Promise<Results> {
  return () => alive(reference, 'evaluation').test();
}

/** The seed of a weakly held trainer's random streams; in a resumed run, that of the checkpoint. */
export function weakSeed<C extends BaseConfig>(reference: TrainerRef<C>): () => number {
  return () => alive(reference, 'random').random.seed;
}

/** A separate training loader for a plugin: calls `buildTrainLoader` of a weakly held trainer, in each pass anew. */
export function weakTrainLoader<C extends BaseConfig>(reference: TrainerRef<C>): DataSource {
  let share: RankShare | undefined;
  const loader: AsyncIterable<unknown> & SharedData = {
    shareAmong: (given) => void (share = given),
    async *[Symbol.asyncIterator]() {
      const built = await buildTrainLoader(reference);
      const data = typeof built === 'function' ? built() : built;
      if (share !== undefined) shareData(data, share, share.of);
      const batches = openData(data);
      if (batches === undefined) throw invalidDataError(data, 'the training data');
      yield* batches;
    },
  };
  return loader;
}

function buildTrainLoader<C extends BaseConfig>(reference: TrainerRef<C>): DataSource | Promise<DataSource> {
  const trainer = alive(reference, 'trainData');
  return trainer.buildTrainLoader(trainer.config);
}

/** @throws HooklineError `HKL_TRAINER_GONE` that names the service */
function alive<C extends BaseConfig>(reference: TrainerRef<C>, service: string): ServingTrainer<C> {
  const trainer = reference.deref();
  if (trainer !== undefined) return trainer;
  throw new HooklineError('HKL_TRAINER_GONE', 'the trainer that it belongs to is gone', {
    who: `service "${service}"`,
    fix: 'Keep a reference to the trainer for as long as its services are used',
  });
}
