import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  DatasetCatalog,
  type DatasetRecord,
  type DetectionBatch,
  type DetectionLoader,
  readCoco,
  readVoc,
} from '@hookline/images';
import { readCheckpoint } from '@hookline/core';
import { evaluateCoco, readCocoResults, summarizeCoco } from '@hookline/vision';
import { drawSquares, RecordingLogger } from '@hookline/testing';
import { modelRef } from '@hookline/tfjs';
import { defineTrainer } from '@hookline/trainer';
import { detectionConfig } from './config/detection-config.ts';
import { DetectionTrainer } from './detection-trainer.ts';

let folder: string;
let root: string;
let output: string;
let runs = 0;
beforeAll(async () => {
  folder = temporaryFolder();
  root = join(folder, 'squares');
  await drawSquares(root);
});
beforeEach(() => (output = join(folder, `run-${runs++}`)));

const SMALL = {
  seed: 1,
  capture: 'off' as const,
  model: { width: 8 },
  solver: { batchSize: 4, warmupIterations: 1 },
  test: { aug: { scales: [1] } },
  writers: { tensorboard: false, plots: false },
};
const CONFIG = detectionConfig({
  ...SMALL,
  input: { width: 80, height: 64 },
  solver: { ...SMALL.solver, maxIterations: 2 },
});
const definition = defineTrainer({
  config: CONFIG,
  trainer: DetectionTrainer,
  // The images of the list `test` again, from a COCO file.
  buildCatalog: () =>
    new DatasetCatalog()
      .register('val', () => readVoc({ root, split: 'test' }))
      .register('coco', () => readCoco({ json: join(root, 'test.json'), images: join(root, 'JPEGImages') })),
});

function create(...set: string[]) {
  const logger = new RecordingLogger();
  const trainer = definition.create({ output, logger, set: [`data.root=${root}`, 'datasets.train=trainval', ...set] });
  return { trainer, logger };
}

/** The same, with no sizes set except the channels. */
function createChosen(...set: string[]) {
  const logger = new RecordingLogger();
  const config = detectionConfig({ ...SMALL, data: { root }, datasets: { train: ['trainval'] } });
  return { trainer: new DetectionTrainer(config.resolve([`output=${output}`, ...set]), { logger }), logger };
}

async function trainChosen(...set: string[]) {
  const made = createChosen(...set);
  await made.trainer.train();
  await made.trainer.dispose();
  return made;
}

async function train(...set: string[]) {
  const { trainer, logger } = create(...set);
  const { results } = await trainer.train();
  await trainer.dispose();
  return { trainer, logger, results: results as unknown as Record<string, Record<string, Record<string, number>>> };
}

describe('with a budget', () => {
  it('sizes are chosen for the data, logged, and kept when a run is resumed or evaluated', async () => {
    const set = ['budget.minutes=1', 'solver.maxIterations=2', 'datasets.test='];
    const { trainer, logger } = await trainChosen(...set);
    // The squares of 14 pixels, in images of 80x64, cannot become larger.
    const { input, model, solver } = trainer.config;
    expect([input.width, input.height, input.window, model.width]).toEqual([96, 80, 0, 8]);
    expect(solver.maxIterations).toBe(2);
    expect(logger.matching('recipe: ').length).toBe(6);
    expect(JSON.parse(await readFile(join(output, 'config.json'), 'utf8'))).toMatchObject({ input: { width: 96 } });

    const again = createChosen(...set, 'budget.minutes=0');
    await again.trainer.resumeOrLoad();
    expect(again.trainer.config.input).toMatchObject({ width: 96, height: 80 });
    expect(again.logger.matching('that of the checkpoint')).toHaveLength(1);
    expect(await again.trainer.evaluate()).toEqual({});
    const weights = (await again.trainer.checkpoints.latest())!;
    await again.trainer.dispose();

    // A new training chooses for itself.
    const anew = createChosen(...set, `model.weights=${weights}`, 'input.width=64', 'input.height=48');
    await anew.trainer.resumeOrLoad({ resume: false });
    expect(anew.trainer.config.input).toMatchObject({ width: 64, height: 48 });
    expect(anew.logger.matching('that of the checkpoint')).toEqual([]);
    expect(anew.logger.matching('recipe: ').length).toBe(6);
    await anew.trainer.dispose();

    const small = createChosen('datasets.test=', 'input.width=64');
    await small.trainer.loadForInference(weights);
    expect(small.logger.matching('that of the checkpoint: input.width 64 as set, input.height 80, ')).toHaveLength(1);
    await small.trainer.dispose();

    const late = createChosen(...set, 'input.width=64');
    await late.trainer.prepare();
    const file = await late.trainer.checkpoints.latest();
    await expect(late.trainer.load(file!)).rejects.toThrow('HKL_RECIPE');
    await late.trainer.dispose();
  });

  it('that is too short is refused', async () => {
    const { trainer } = createChosen('budget.minutes=0.0001');
    await expect(trainer.train()).rejects.toThrow(/HKL_BUDGET.*budget\.minutes/s);
    await trainer.dispose();
  });
});

describe('several test data sets', () => {
  it('have results, metrics, pictures, files and test-time augmentation of their own', async () => {
    const short = ['solver.maxIterations=24', 'test.evalPeriod=12', 'solver.baseLr=0.01'];
    const { results, trainer } = await train('datasets.test=val,coco', ...short);
    expect(Object.keys(results)).toEqual(['val', 'coco', 'val_TTA', 'coco_TTA']);
    // The format of each data set decides, unless the config says otherwise.
    expect(Object.keys(results['val']!['bbox']!)).toEqual(['AP', 'AP50', 'AP75', 'AP-dark', 'AP-light']);
    expect(Object.keys(results['coco_TTA']!['bbox']!)).toEqual('AP,AP50,AP75,APs,APm,APl,AP-dark,AP-light'.split(','));
    const lines = (await readFile(join(output, 'metrics.json'), 'utf8')).trim().split('\n');
    const last = JSON.parse(lines.at(-1)!) as Record<string, number>;
    expect(last['val/bbox/AP']).toBe(results['val']!['bbox']!['AP']);
    expect(last['coco_TTA/bbox/AP50']).toBe(results['coco_TTA']!['bbox']!['AP50']);
    // bbox/AP means the first data set.
    const best = JSON.parse(await readFile(join(output, 'model_best.json'), 'utf8')) as Record<string, unknown>;
    expect(best).toMatchObject({ metric: 'val/bbox/AP' });
    expect(trainer.config.checkpoint.best).toBe('bbox/AP');
    expect((await readdir(join(output, 'predictions'))).sort()).toEqual(['coco', 'val']);
    expect(await readdir(join(output, 'predictions', 'val'))).toEqual(['0000011.png', '0000023.png']);

    const files = (place: string) => readdir(join(output, place));
    expect((await files('inference/val')).sort()).toEqual(['coco_format.json', 'coco_instances_results.json']);
    expect(await files('inference_TTA/coco')).toContain('coco_instances_results.json');
    // COCO's tools can evaluate the files by themselves.
    const truth = JSON.parse(await readFile(join(output, 'inference/coco/coco_format.json'), 'utf8'));
    const found = await readCocoResults(join(output, 'inference/coco/coco_instances_results.json'));
    expect(found.length).toBeGreaterThan(0);
    expect(summarizeCoco(evaluateCoco(truth, found)).AP * 100).toBeCloseTo(results['coco']!['bbox']!['AP']!, 9);
  });

  it('of the same name are refused', async () => {
    const { trainer } = create('datasets.test=test,test.json', 'data.images=JPEGImages');
    await expect(trainer.train()).rejects.toThrow(/HKL_DATASETS.*two of them have the name "test"/);
  });

  it('may be none: then nothing is evaluated', async () => {
    const { results, logger } = await train('datasets.test=');
    expect(results ?? {}).toEqual({});
    expect(logger.matching('bbox')).toEqual([]);
    expect(await readdir(output)).not.toContain('predictions');
  });
});

describe('one of each', () => {
  /** A data set of one picture with one object of one class. */
  const single = async (split: string) => {
    const { records, metadata, report } = await readVoc({ root, split });
    const [record] = records as [DatasetRecord];
    const annotations = record.annotations.slice(0, 1).map((each) => ({ ...each, category: 0 }));
    return {
      records: [{ ...record, annotations }],
      metadata: { ...metadata, classes: ['square'], categoryIds: [1] },
      report,
    };
  };
  const one = defineTrainer({
    config: CONFIG,
    trainer: DetectionTrainer,
    buildCatalog: () =>
      new DatasetCatalog().register('train', () => single('trainval')).register('val', () => single('test')),
  });

  it.each(['off', 'required'])(
    'class, picture, object and batch is enough to train and evaluate: capture %s',
    async (capture) => {
      const set = ['solver.batchSize=1', 'solver.maxIterations=4', 'test.evalPeriod=4', 'test.preciseBn.enabled=true'];
      const trainer = one.create({
        output,
        logger: new RecordingLogger(),
        set: [`data.root=${root}`, 'datasets.train=train', 'datasets.test=val', `capture=${capture}`, ...set],
      });
      const { results } = await trainer.train();
      await trainer.dispose();
      expect(Object.keys(results ?? {})).toEqual(['bbox', 'bbox_TTA']);
    },
  );
});

describe('a single test data set', () => {
  it.each([
    ['coco', 'APs'],
    ['voc', 'AP75'],
    ['voc2007', 'AP75'],
  ])('is not nested, and has the metrics that are asked for: %s', async (evaluator, metric) => {
    const set = [`test.evaluator=${evaluator}`, 'test.aug.enabled=false', 'test.pictures=false'];
    const { results } = await train('datasets.test=test', 'solver.maxIterations=1', ...set);
    expect(Object.keys(results)).toEqual(['bbox']);
    expect(Object.keys(results['bbox']!)).toContain(metric);
    expect('APs' in results['bbox']!).toBe(evaluator === 'coco');
  });

  it('in which nothing is detected is reported', async () => {
    const set = ['datasets.test=coco', 'test.scoreThreshold=1', 'test.pictures=false'];
    const { results, logger } = await train(...set);
    expect(results).toMatchObject({ bbox: { AP: NaN, 'AP-dark': NaN }, bbox_TTA: { AP: NaN } });
    expect(logger.matching('detects nothing in 4 images')).toEqual([
      expect.stringMatching(/^warning: the model detects nothing/),
      expect.stringMatching(/^warning: test-time augmentation: the model detects nothing/),
    ]);
  });

  it('trains to the same bits from the same seed', async () => {
    const losses = async (seed: number): Promise<readonly number[]> => {
      const { trainer } = await train('datasets.test=', `seed=${seed}`);
      return trainer.storage
        .history('total_loss')
        .values()
        .map(({ value }) => value);
    };
    const first = await losses(1);
    expect(first).toHaveLength(2);
    expect(await losses(1)).toEqual(first);
    expect(await losses(2)).not.toEqual(first);
  });

  it('limits the detections of each image as the config says', async () => {
    const set = ['test.scoreThreshold=0', 'test.detectionsPerImage=3', 'test.pictures=false'];
    await train('datasets.test=coco', 'solver.maxIterations=1', ...set);
    for (const place of ['inference', 'inference_TTA'])
      expect(await readCocoResults(join(output, place, 'coco/coco_instances_results.json'))).toHaveLength(4 * 3);
  });
});

describe('the config', () => {
  it('scales to another batch size', async () => {
    const { trainer, logger } = await train(
      'datasets.test=',
      'solver.batchSize=2',
      'solver.referenceBatchSize=4',
      'solver.baseLr=0.004',
    );
    expect(trainer.config.solver).toMatchObject({ baseLr: 0.002, maxIterations: 4, warmupIterations: 2 });
    expect(trainer.iteration).toBe(4);
    expect(logger.matching('config scaled from batches of 4 to 2: learning rate 0.002, 4 iterations')).toHaveLength(1);
  });

  it('determines the order and preparation of training images', async () => {
    const { trainer } = create(
      'dataloader.numWorkers=0',
      'dataloader.samplerTrain=subset',
      'dataloader.subsetRatio=0.1',
    );
    const loader = (await trainer.buildTrainLoader(trainer.config)) as DetectionLoader;
    const { value } = (await loader[Symbol.asyncIterator]().next()) as { value: DetectionBatch };
    // One image of twelve, four times.
    expect(new Set(value.samples.records.map(({ imageId }) => imageId)).size).toBe(1);
    await loader.close();
  });

  it('names the views of test-time augmentation, those of training by default', async () => {
    const viewsOf = async (...set: string[]) => (await create(...set).trainer.predictOptions()).tta;
    expect(await viewsOf('input.randomFlip=vertical')).toMatchObject({ flips: ['none', 'vertical'], scales: [1] });
    expect(await viewsOf('test.aug.flips=none,both')).toMatchObject({ flips: ['none', 'both'] });
  });
});

describe('a checkpoint', () => {
  it('knows the classes that it detects', async () => {
    const set = ['datasets.test=', 'solver.maxIterations=1'];
    const { trainer } = await train(...set);
    const file = (await trainer.checkpoints.latest())!;
    const other = create(...set, 'data.classes=light,dark').trainer;
    await expect(other.load(file)).rejects.toThrow(
      /HKL_DATA_CLASSES.*it detects dark, light, and the data have light, dark\..*--set data\.classes=dark,light/,
    );
    // A new training may still start from its weights.
    await other.load(file, 'weights');
    await create(...set).trainer.load(file);
  });

  it('predicts and evaluates without the training data', async () => {
    const file = (await (await train('datasets.test=', 'solver.maxIterations=1')).trainer.checkpoints.latest())!;
    const gone = ['data.root=nowhere', 'datasets.test=val'];
    const { trainer, logger } = create(...gone);
    await trainer.loadForInference(file);
    expect((await trainer.service(modelRef)) as unknown).toMatchObject({ classNames: ['dark', 'light'] });
    expect(await trainer.predictOptions()).toMatchObject({ size: { width: 80, height: 64 }, orient: true });
    // The data set of the catalog, which is elsewhere.
    expect(Object.keys(await trainer.evaluate())).toEqual(['bbox', 'bbox_TTA']);
    expect(logger.matching('images, ')).toEqual([expect.stringMatching(/test\.txt: 4 of 4 images, 8 of 8/)]);
    await expect(trainer.train()).rejects.toThrow(/HKL_DATA_UNREAD/);
    // Another checkpoint replaces this one, and a save has the position that was loaded.
    await trainer.loadForInference(file);
    const again = await trainer.checkpoints.save('again');
    await trainer.dispose();
    const [before, after] = await Promise.all([file, again].map(async (path) => (await readCheckpoint(path)).manifest));
    const position = ({ epoch, batches, source }: Record<string, unknown>) => ({ epoch, batches, source });
    const dataOf = (manifest: typeof before) => position(manifest!.entries['hookline/data']!.data as never);
    expect(dataOf(after)).toEqual(dataOf(before));

    const other = create(...gone, 'data.classes=light,dark').trainer;
    await expect(other.loadForInference(file)).rejects.toThrow(/HKL_DATA_CLASSES.*the data have light, dark/);
    // One fifth of the training data is held back, so they are read and must have the classes of the checkpoint.
    const held = create('datasets.test=held-back', 'datasets.train=trainval', 'data.format=voc').trainer;
    await held.loadForInference(file);
    expect((await held.testData('held-back')).records).toHaveLength(2);
    await held.dispose();
  });
});

describe('plugins of a trainer', () => {
  it('do not keep it alive', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const { reference, preset } = (() => {
      const { trainer } = create('datasets.test=val,test', 'test.preciseBn.enabled=true');
      return { reference: new WeakRef(trainer), preset: trainer.buildPreset(trainer.config) };
    })();
    for (let attempt = 0; attempt < 20 && reference.deref() !== undefined; attempt++) {
      // A WeakRef that was read holds its object until the current job ends.
      await sleep(5);
      collectGarbage();
    }
    expect(reference.deref()).toBeUndefined();
    expect(preset.name).toBe('@hookline/preset-detection');
  });
});

describe('precise batch norm', () => {
  it('sees training images as training does', async () => {
    const seen: DetectionLoader[] = [];
    class Watched extends DetectionTrainer {
      override async buildTrainLoader(config: typeof this.config) {
        const loader = (await super.buildTrainLoader(config)) as DetectionLoader;
        seen.push(loader);
        return loader;
      }
    }
    const logger = new RecordingLogger();
    const set = ['data.format=voc', 'datasets.test=', 'test.preciseBn.enabled=true', 'test.preciseBn.iterations=3'];
    const trainer = defineTrainer({ config: CONFIG, trainer: Watched }).create({
      ...{ output, logger },
      set: [`data.root=${root}`, ...set],
    });
    await trainer.train();
    await trainer.dispose();
    expect(logger.matching('Precise statistics of')).toEqual([expect.stringMatching(/from 3 batches/)]);
    expect(seen.map((loader) => loader.stats().batches >= 2)).toEqual([true, true]);
    // An augmenting loader gives different pixels each time.
    const loader = seen[1]!;
    const sums = new Set<number>();
    for await (const { images, samples } of loader) {
      const size = images.data.length / samples.records.length;
      samples.records.forEach(({ imageId }, row) => {
        if (imageId === 'squares-00')
          sums.add(Array.from(images.data.slice(row * size, (row + 1) * size)).reduce((sum, value) => sum + value, 0));
      });
      if (sums.size >= 2) break;
    }
    expect(sums.size).toBe(2);
  });
});
