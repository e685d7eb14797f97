import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PluginInput, TrainerBase } from '@hookline/core';
import { CocoEvaluator, detector, fcosHead, residualBackbone } from '@hookline/vision';
import { presetDefault } from '@hookline/preset-default';
import { RecordingLogger } from '@hookline/testing';
import { adam, selectDevice, tfjsRuntime } from '@hookline/tfjs';
import { presetDetection } from './index.ts';

const CLASSES = ['dark', 'light'];
const SIDE = 32;

/** Two batches of two grey images with one square each. */
function* squares() {
  for (let batch = 0; batch < 2; batch++) {
    const data = new Float32Array(2 * SIDE * SIDE * 3).fill(127);
    const boxes = new Float32Array(8);
    for (let image = 0; image < 2; image++) {
      const [x, y] = cornerOf(batch * 2 + image);
      for (let row = y; row < y + 12; row++) {
        const start = ((image * SIDE + row) * SIDE + x) * 3;
        data.fill(image === 0 ? 20 : 235, start, start + 36);
      }
      boxes.set([x, y, x + 12, y + 12], image * 4);
    }
    yield {
      images: { data, shape: [2, SIDE, SIDE, 3] },
      boxes: { data: boxes, shape: [2, 1, 4] },
      classes: { data: Int32Array.of(0, 1), shape: [2, 1] },
      counts: Int32Array.of(1, 1),
      records: [0, 1].map((image) => ({ imageId: batch * 2 + image, width: SIDE, height: SIDE })),
    };
  }
}

const cornerOf = (imageId: number): [x: number, y: number] => [2 + imageId * 4, 14 - imageId * 4];

const truth = {
  records: [0, 1, 2, 3].map((imageId) => {
    const [x, y] = cornerOf(imageId);
    const box = [x, y, x + 12, y + 12] as const;
    return {
      imageId,
      width: SIDE,
      height: SIDE,
      annotations: [{ box, category: imageId % 2, iscrowd: 0 as const, area: 144 }],
    };
  }),
  metadata: { classes: CLASSES },
};
const ttaEvaluator = () => new CocoEvaluator({ truth });

let output: string;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  output = temporaryFolder();
});

function train(...plugins: PluginInput[]): TrainerBase {
  const backbone = residualBackbone({ widths: [8, 8], channels: 8 });
  const runtime = tfjsRuntime({
    model: () => detector({ classNames: CLASSES, backbone, head: fcosHead({ convs: 1 }) }),
    optimizer: (model) => adam(model, { learningRate: 0.01 }),
    data: squares,
    repeat: true,
    capture: 'off',
  });
  return new TrainerBase({
    maxIterations: 4,
    output,
    seed: 1,
    logger: new RecordingLogger(),
    services: runtime.services,
    plugins: [...runtime.plugins, ...plugins],
  });
}

const namesOf = async (...plugins: PluginInput[]): Promise<string[]> =>
  (await train(...plugins).describe()).plugins
    .filter(({ id }) => !id.startsWith('@hookline/tfjs'))
    .map(({ shortName }) => shortName);

describe('presetDetection', () => {
  it('evaluates, draws with every evaluation, and augments the last one; all of it is written', async () => {
    const evaluation = { loader: squares, evaluators: ttaEvaluator(), period: 2 };
    await train(
      presetDetection({
        loader: squares,
        ttaEvaluator: ttaEvaluator(),
        evaluator: evaluation,
        writers: { tensorboard: false },
      }),
    ).train();
    const lines = (await readFile(join(output, 'metrics.json'), 'utf8')).trim().split('\n');
    const records = lines.map((line) => JSON.parse(line) as Record<string, number>);
    const at = (key: string) => records.filter((line) => key in line).map((line) => line['iteration']);
    expect(at('bbox/AP50')).toEqual([1, 3]);
    expect(at('bbox_TTA/AP50')).toEqual([3]);
    expect(await readdir(join(output, 'predictions'))).toEqual(['0000001.png', '0000003.png']);
  });

  it('has the plugins of the default preset, and its own before the evaluation', async () => {
    const names = await namesOf(presetDetection({ loader: squares, ttaEvaluator: ttaEvaluator() }));
    const defaults = await namesOf(presetDefault());
    expect(names.filter((name) => defaults.includes(name))).toEqual(defaults);
    expect(names).toHaveLength(defaults.length + 2);
    for (const own of ['detection-tta', 'detection-pictures'])
      expect(names.indexOf(own)).toBeLessThan(names.indexOf('evaluator'));
  });

  it('takes a default preset ready-made, and leaves out what it is told to', async () => {
    const defaults = presetDefault().without('writers');
    const without = { predictionPictures: false, detectionTta: false } as const;
    const options = { defaults, loader: squares, ttaEvaluator: ttaEvaluator() };
    expect(await namesOf(presetDetection({ ...options, ...without }))).toEqual(await namesOf(defaults));
    expect(await namesOf(presetDetection())).toEqual(await namesOf(presetDefault()));
    const pictures = await namesOf(presetDetection({ defaults, loader: squares }));
    expect(pictures).toContain('detection-pictures');
    expect(pictures).not.toContain('detection-tta');
  });

  it('has plugins of each of several test data sets, with results and pictures of their names', async () => {
    const datasets = ['val', 'test'].map((name) => ({ name, loader: squares, ttaEvaluator: ttaEvaluator() }));
    const options = { datasets, detectionTta: { scales: [1] }, writers: { tensorboard: false } };
    const { results } = await train(presetDetection(options)).train();
    expect(Object.keys(results ?? {})).toEqual(['val_TTA', 'test_TTA']);
    expect(results?.['val_TTA']).toMatchObject({ bbox: { AP50: expect.any(Number) } });
    expect((await readdir(join(output, 'predictions'))).sort()).toEqual(['test', 'val']);
    const one = presetDetection({ ...options, datasets: datasets.slice(0, 1) });
    expect(await namesOf(one)).toEqual(
      await namesOf(presetDetection({ loader: squares, ttaEvaluator: ttaEvaluator() })),
    );
    const pictures = presetDetection({ datasets: [{ name: 'val', loader: squares }] });
    expect(await namesOf(pictures)).not.toContain('detection-tta');
    expect(await namesOf(presetDetection({ datasets: [] }))).toEqual(await namesOf(presetDefault()));
  });

  it('says which of its options is lacking', () => {
    expect(() => presetDetection({ ttaEvaluator: ttaEvaluator() })).toThrow(/detectionTta needs the option "loader"/);
    expect(() => presetDetection({ loader: squares, detectionTta: { scales: [1] } })).toThrow(
      /needs the option "ttaEvaluator"/,
    );
    expect(() => presetDetection({ predictionPictures: { count: 2 } })).toThrow(/predictionPictures needs the option/);
  });
});
