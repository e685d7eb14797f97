import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readCheckpoint } from '@hookline/core';
import { selectDevice, tf } from '@hookline/tfjs';
import { buildCommand, runCommand, userFolder } from './built-command.test.support.ts';

const IMAGES = 8;

/** A trainer file that reads image files. In the middle of the training, one file is deleted or truncated while the loader is working. */
const TRAINER = `
import { rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import {
  adam, checkpointer, definePlugin, DetectionLoader, functionModel, randomFlip, SimpleTrainer, selectDevice, tf,
} from 'hookline';

const images = new URL('./images/', import.meta.url).pathname;
const records = Array.from({ length: ${IMAGES} }, (_, imageId) => (
  { file: join(images, imageId + '.png'), width: 24, height: 24, imageId, annotations: [] }
));

const breaker = (how) => definePlugin({
  name: 'breaker',
  version: '1.0.0',
  setup({ hooks }) {
    hooks.afterStep.tap(({ iteration }) => {
      console.log('step', iteration);
      if (iteration !== 5) return;
      if (how === 'deleted') rmSync(records[3].file);
      if (how === 'truncated') truncateSync(records[3].file, 60);
    });
  },
})();

function makeModel() {
  const weight = tf.variable(tf.randomNormal([24 * 24 * 3, 1], 0, 0.01));
  const bias = tf.variable(tf.zeros([1]));
  return functionModel({
    variables: { weight, bias },
    losses: ({ images }) => images.reshape([2, -1]).div(255).matMul(weight).add(bias).sub(1).square().mean(),
  });
}

export default {
  async create({ set, output, logger }) {
    const given = new Map(set.map((each) => each.split('=')));
    await selectDevice('auto');
    return new SimpleTrainer({
      model: makeModel,
      optimizer: (model) => adam(model, { learningRate: 0.01 }),
      data: new DetectionLoader(records, {
        batchSize: 2, augmentations: [randomFlip()], workers: Number(given.get('workers')),
      }),
      capture: given.get('capture'),
      maxIterations: 24,
      output,
      logger,
      seed: 1,
      plugins: [checkpointer({ period: 1000 }), breaker(given.get('break'))],
    });
  },
};
`;

let folder: string;

beforeAll(async () => {
  await selectDevice('auto');
  buildCommand();
  folder = userFolder('image', TRAINER);
  for (const name of ['images', 'kept']) mkdirSync(join(folder, name));
  const { default: sharp } = await import('sharp');
  for (let index = 0; index < IMAGES; index++) {
    const pixels = Uint8Array.from({ length: 24 * 24 * 3 }, (_, at) => (at * (index + 3) * 37) % 256);
    await sharp(pixels, { raw: { width: 24, height: 24, channels: 3 } })
      .png()
      .toFile(join(folder, 'kept', `${index}.png`));
  }
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => putBack());

function putBack(): void {
  for (const name of readdirSync(join(folder, 'kept')))
    copyFileSync(join(folder, 'kept', name), join(folder, 'images', name));
}

function train(output: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return runCommand(folder, ['train', 'trainer.ts', '--output', output, ...args]);
}

const stepsIn = (stdout: string): number[] => [...stdout.matchAll(/^step (\d+)$/gm)].map(([, step]) => Number(step));

/** The weights and the optimizer state at the end. */
async function tensorsOf(output: string): Promise<Readonly<Record<string, unknown>>> {
  const { manifest, tensors } = await readCheckpoint(join(folder, output, 'model_final.safetensors'));
  expect(manifest.iteration).toBe(24);
  return Object.fromEntries([...tensors].map(([name, { data }]) => [name, data]));
}

describe.each(['off', 'required'])('with capture %s, an image that is', (capture) => {
  let whole: Readonly<Record<string, unknown>> | undefined;

  it.each([
    ['deleted', 2],
    ['truncated', 0],
  ])(
    '%s in mid-run is named, the last whole step is saved, and resuming is exact (threads: %i)',
    async (how, workers) => {
      // Without native TensorFlow no step is captured; what is left is the test of eager steps.
      const mode = tf.getBackend() === 'tensorflow' ? capture : 'off';
      const set = ['--set', `workers=${workers}`, '--set', `capture=${mode}`];
      if (whole === undefined) {
        expect(train(`whole-${capture}`, ...set)).toMatchObject({ status: 0 });
        whole = await tensorsOf(`whole-${capture}`);
      }
      const output = `${how}-${capture}`;
      const broken = train(output, ...set, '--set', `break=${how}`);
      expect(broken.stderr).toMatch(/HKL_IMAGE_UNREADABLE.*images\/3\.png/);
      expect(broken.status).toBe(1);
      const done = stepsIn(broken.stdout).length;
      expect(done).toBeGreaterThan(5);
      expect(done).toBeLessThan(24);

      putBack();
      const resumed = train(output, ...set, '--resume');
      expect(resumed.stderr).toMatch(new RegExp(`resuming: .*, at iteration ${done}\n`));
      expect(stepsIn(resumed.stdout)).toEqual(Array.from({ length: 24 - done }, (_, index) => done + index));
      expect(resumed.status).toBe(0);
      expect(await tensorsOf(output)).toEqual(whole);
    },
    300_000,
  );
});
