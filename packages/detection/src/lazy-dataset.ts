import { join } from 'node:path';
import type { PresetDetectionDataset } from '@hookline/preset-detection';
import { type DataSource, invalidDataError, openData } from '@hookline/tfjs';
import type { MadeEvaluators } from '@hookline/trainer';
import type { DetectionConfig } from './config/detection-config.ts';
import { lazyEvaluator } from './make-evaluator.ts';

/** The part of a `DetectionTrainer` that makes test data and their evaluators. */
interface TestingTrainer<C extends DetectionConfig> {
  readonly config: C;
  buildTestLoader(config: C, dataset: string): Promise<DataSource>;
  buildEvaluator(config: C, dataset: string, folder: string): Promise<MadeEvaluators>;
}

/**
 * A test data set for plugins, which is read on demand because plugins are listed before the data have been read. This is not a
 * method of the trainer, because its closures would hold `this`: a reference to a plugin must not keep the trainer alive.
 *
 * @param dataset the name in the config
 * @param name the name for people, in logs and folders
 * @param folder where the evaluator writes, in a folder of that name
 */
export function lazyDataset<C extends DetectionConfig>(
  self: WeakRef<TestingTrainer<C>>,
  dataset: string,
  name: string,
  folder: string,
): PresetDetectionDataset {
  return {
    name,
    loader: async function* batches() {
      const trainer = self.deref();
      if (trainer === undefined) return;
      const data = await trainer.buildTestLoader(trainer.config, dataset);
      const batches = openData(data);
      if (batches === undefined) throw invalidDataError(data, `the test data "${name}"`);
      yield* batches;
    },
    ttaEvaluator: lazyEvaluator(async () => {
      const trainer = self.deref();
      return trainer?.buildEvaluator(trainer.config, dataset, join(folder, name));
    }),
  };
}
