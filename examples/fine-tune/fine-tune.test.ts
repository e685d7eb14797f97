import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConsoleLogger, exportModel, modelRef } from 'hookline';
import sharp from 'sharp';
import fineTune from './trainer.ts';

let folder: string;

/** Draws images with a reddish or bluish disc at a random position on grey. */
async function draw(split: string, color: 'blue' | 'red', count: number): Promise<void> {
  await mkdir(join(folder, 'data', split, color), { recursive: true });
  for (let at = 0; at < count; at++) {
    const [x, y, radius] = [12 + ((at * 7) % 20), 12 + ((at * 5) % 16), 8 + ((at * 3) % 5)];
    const hue = (color === 'red' ? -20 : 220) + ((at * 11) % 40);
    const disc = `<circle cx="${x}" cy="${y}" r="${radius}" fill="hsl(${hue}, 80%, ${40 + ((at * 13) % 30)}%)"/>`;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="44" height="40"><rect width="44" height="40" fill="#888"/>${disc}</svg>`;
    await sharp(Buffer.from(svg))
      .jpeg()
      .toFile(join(folder, 'data', split, color, `${at}.jpg`));
  }
}

beforeAll(async () => {
  folder = temporaryFolder();
  for (const color of ['blue', 'red'] as const) {
    await draw('train', color, 16);
    await draw('test', color, 6);
  }
});

const create = (name: string, ...set: string[]) =>
  fineTune.create({
    output: join(folder, name),
    logger: new ConsoleLogger({ level: 'silent' }),
    set: [
      `data.root=${join(folder, 'data')}`,
      'seed=1',
      'input.size=32',
      'solver.batchSize=8',
      'capture=off',
      // This is the fastest backbone. Its moving averages would need more steps than these.
      'model.backbone=mobilenetV3Small',
      'test.preciseBn.enabled=true',
      'test.preciseBn.iterations=8',
      'solver.warmupIterations=2',
      'test.evalPeriod=0',
      'checkpoint.best=',
      'writers.tensorboard=false',
      'writers.plots=false',
      ...set,
    ],
  });

it('trains from scratch, fine-tunes the weights in a run that first freezes the backbone, and exports the model', async () => {
  const scratch = create('scratch', 'model.frozenUntil=0', 'solver.backboneLrFactor=1', 'solver.maxIterations=40');
  const { results } = await scratch.train();
  expect(results).toMatchObject({
    accuracy: expect.any(Number) as number,
    'accuracy-red': expect.any(Number) as number,
  });
  expect(results?.['accuracy'] as number).toBeGreaterThan(0.7);
  await scratch.dispose();
  const files = await readdir(join(folder, 'scratch'));
  expect(files).toContain('model_final.safetensors');

  // Predicting and evaluating need none of the options of the training but those of the network.
  const evaluated = create('scratch', 'model.frozenUntil=100');
  await evaluated.loadForInference(join(folder, 'scratch', 'model_final.safetensors'));
  expect(await evaluated.evaluate()).toMatchObject({ accuracy: expect.any(Number) as number });
  await evaluated.dispose();

  const weights = join(folder, 'scratch', 'model_final.safetensors');
  const tuned = create('tuned', `model.weights=${weights}`, 'model.frozenUntil=3', 'solver.maxIterations=4');
  await tuned.resumeOrLoad({ resume: false });
  const model = await tuned.service(modelRef);
  const read = () =>
    [...(model.trainable().get('backbone/features/4/block/2/fc1/kernel')?.dataSync() ?? [])].slice(0, 500);
  const before = read();
  await tuned.train({ maxIterations: 3 });
  expect(read()).toEqual(before);
  await tuned.train({ maxIterations: 4 });
  expect(read()).not.toEqual(before);

  const output = join(folder, 'exported');
  const { details, ...source } = await tuned.exportSource();
  await exportModel(model, { format: 'graph-model', output, ...source, ...(details && { details }) });
  expect(JSON.parse(await readFile(join(output, 'export.json'), 'utf8'))).toMatchObject({
    classNames: ['blue', 'red'],
    scores: 'logits',
  });
  await tuned.dispose();
});
