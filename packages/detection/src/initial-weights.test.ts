import { join } from 'node:path';
import { drawSquares, RecordingLogger } from '@hookline/testing';
import { modelRef, saveWeights, selectDevice, type TrainableModel } from '@hookline/tfjs';
import { classifier, resnet } from '@hookline/vision';
import { detectionConfig } from './config/detection-config.ts';
import { DetectionTrainer } from './detection-trainer.ts';

let folder: string;
beforeAll(async () => {
  await selectDevice('auto');
  folder = temporaryFolder();
  await drawSquares(join(folder, 'squares'));
});

function create(...set: string[]) {
  const logger = new RecordingLogger();
  const config = detectionConfig({
    seed: 1,
    capture: 'off',
    data: { root: join(folder, 'squares') },
    datasets: { train: ['trainval'] },
    input: { width: 80, height: 64 },
    model: { width: 8 },
    solver: { batchSize: 4, warmupIterations: 1 },
    writers: { tensorboard: false, plots: false },
  });
  return {
    trainer: new DetectionTrainer(config.resolve([`output=${join(folder, 'run')}`, ...set]), { logger }),
    logger,
  };
}

describe('weights to begin from', () => {
  const set = ['model.backbone=resnet18', 'datasets.test=', 'solver.maxIterations=1'];

  it('may be those of a network of PyTorch, or be converted from a checkpoint', async () => {
    const [torch, converted] = [join(folder, 'resnet18.safetensors'), join(folder, 'converted.safetensors')];
    const network = classifier({ backbone: resnet({ depth: 18 }), classNames: ['cat', 'dog', 'other'] });
    await saveWeights(network, torch);
    const { trainer, logger } = create(...set, `model.weights=${torch}`);
    await trainer.resumeOrLoad();
    expect(logger.matching('tensors loaded (safetensors)')).toHaveLength(1);
    const kernel = (model: TrainableModel) => model.trainable().get('backbone/layer4/1/conv2/kernel')!.dataSync();
    const made = await trainer.service(modelRef);
    expect(kernel(made)).toEqual(kernel(network));
    await saveWeights(made, converted);
    await trainer.dispose();

    // What the command line does to predict.
    const again = create(...set);
    await expect(again.trainer.loadForInference(converted)).rejects.toThrow('HKL_CHECKPOINT_FOREIGN');
    await again.trainer.load(converted, 'weights');
    expect(kernel(await again.trainer.service(modelRef))).toEqual(kernel(network));
    await again.trainer.dispose();
  });

  it('are missed with a warning where stages are frozen', async () => {
    const frozen = ['datasets.test=', 'solver.maxIterations=1', 'model.frozenStages=1'];
    const { trainer, logger } = create(...frozen);
    await trainer.train();
    await trainer.dispose();
    expect(logger.matching('model.frozenStages=1 freezes the first stages')).toHaveLength(1);
    const file = (await trainer.checkpoints.latest())!;
    const tuned = create(...frozen, `model.weights=${file}`);
    await tuned.trainer.resumeOrLoad({ resume: false });
    await tuned.trainer.train();
    await tuned.trainer.dispose();
    expect(tuned.logger.matching('model.frozenStages')).toEqual([]);
  });
});
