import { join } from 'node:path';
import { drawSquares, RecordingLogger } from '@hookline/testing';
import { type BatchNorm, modelRef, modelVariables, selectDevice, type TrainableModel } from '@hookline/tfjs';
import { detectionConfig } from './config/detection-config.ts';
import { DetectionTrainer } from './detection-trainer.ts';

let root: string;
beforeAll(async () => {
  await selectDevice('auto');
  root = temporaryFolder();
  await drawSquares(root);
});

let runs = 0;
function create(...set: string[]) {
  const config = detectionConfig({
    seed: 1,
    datasets: { train: ['trainval'], test: ['test'] },
    data: { root },
    input: { width: 96, height: 64 },
    solver: { batchSize: 4, warmupIterations: 1, maxIterations: 3, backboneLrFactor: 0.1 },
    test: { evalPeriod: 0, pictures: false, aug: { enabled: false } },
    writers: { tensorboard: false, plots: false },
    checkpoint: { best: '' },
  });
  const output = join(root, `run-${runs++}`);
  return new DetectionTrainer(config.resolve([`output=${output}`, ...set]), { logger: new RecordingLogger() });
}

const bytes = (model: TrainableModel) =>
  new Map([...modelVariables(model)].map(([name, variable]) => [name, [...variable.dataSync()]]));

it.each([
  ['off', 'fcos'],
  ['auto', 'retina'],
])(
  'a detector on MobileNetV3 learns at strides 8, 16 and 32; its frozen stages stand still to the bit, capture %s, head %s',
  async (capture, head) => {
    const trainer = create(
      'model.backbone=mobilenetV3Small',
      'model.frozenStages=3',
      'model.width=8',
      `capture=${capture}`,
      `model.head=${head}`,
    );
    await trainer.prepare();
    const model = await trainer.service(modelRef);
    const before = bytes(model);
    await trainer.train();
    const after = bytes(model);
    const moved = (start: string) =>
      [...before.keys()].filter(
        (name) => name.startsWith(start) && after.get(name)?.join() !== before.get(name)?.join(),
      );
    const frozen = ['0/', '1/', '2/', '3/'].map((place) => `backbone/features/${place}`);
    expect(frozen.flatMap(moved)).toEqual([]);
    expect(moved('backbone/features/12/')).toHaveLength(5);
    expect(moved('fpn/')).toHaveLength(12);
    expect(Object.keys(model.weightTable?.() ?? {})).toHaveLength(
      [...before.keys()].filter((name) => name.startsWith('backbone/')).length,
    );
    const norms = model.batchNorms?.() as readonly BatchNorm[];
    expect(norms.some(({ name }) => frozen.some((start) => name.startsWith(start)))).toBe(false);
    await trainer.dispose();
  },
);

it('freezes stages and batch norms of the small backbone, whose variables keep their names', async () => {
  const trainer = create('model.frozenStages=1', 'model.frozenBatchNorm=true', 'model.width=8');
  const model = await trainer.buildModel(trainer.config);
  const names = [...model.trainable().keys()];
  expect(names.filter((name) => name.startsWith('backbone/stage1/'))).toEqual([]);
  expect(names).toContain('backbone/stage2/shrink/kernel');
  expect(names).not.toContain('backbone/stage2/shrink/norm/gamma');
  expect([...model.state().keys()]).toContain('backbone/stage1/shrink/norm/moving_mean');
  await trainer.dispose();
});

it('refuses more frozen stages than there are', async () => {
  const trainer = create('model.frozenStages=4', 'model.width=8');
  await expect(trainer.buildModel(trainer.config)).rejects.toThrow('HKL_BACKBONE_OPTION');
  await trainer.dispose();
});
