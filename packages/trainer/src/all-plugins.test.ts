import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { selectDevice, tf } from '@hookline/tfjs';
import {
  everyPlugin,
  fullTrainer,
  histories,
  isHere,
  MODES,
  POISONED,
  weightsAndAverages,
} from './all-plugins.test.support.ts';

let dir: string;
/** Runs an uninterrupted training, with which several tests compare. */
type Whole = Awaited<ReturnType<typeof trainWhole>>;
const wholes = new Map<string, Whole>();
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  dir = temporaryFolder();
});

async function trainWhole(capture: 'off' | 'required') {
  const output = temporaryFolder();
  const trainer = fullTrainer({ output, capture });
  const outcome = await trainer.train();
  const weights = await weightsAndAverages(trainer);
  const { storage } = trainer;
  await trainer.dispose();
  return { output, outcome, storage, weights, scalars: histories(trainer) };
}

/** {@link trainWhole}, once for each mode. */
async function whole(capture: 'off' | 'required'): Promise<Whole> {
  const made = wholes.get(capture) ?? (await trainWhole(capture));
  wholes.set(capture, made);
  return made;
}

/** The largest difference, relative to the larger of 1 and the value. */
function difference(a: readonly number[], b: readonly number[]): number {
  expect(a).toHaveLength(b.length);
  const off = (x: number, y: number) => (Object.is(x, y) ? 0 : Math.abs(x - y) / Math.max(1, Math.abs(x)));
  return Math.max(...a.map((value, i) => off(value, b[i] as number)));
}

describe('all plugins at once', () => {
  it('work together: everything each of them is for is there', async () => {
    const { output, outcome, storage } = await whole('off');
    expect(outcome.status).toBe('completed');
    expect(outcome.results).toMatchObject({ accuracy: expect.any(Number) });
    const files = await readdir(output);
    expect(files).toEqual(
      expect.arrayContaining([
        'metrics.json',
        'curves.svg',
        'trace.json',
        'anomalies',
        'model_0000004.safetensors',
        'model_best.safetensors',
        'model_final.safetensors',
      ]),
    );
    expect((await readdir(join(output, 'anomalies'))).sort()).toEqual([
      `000000${POISONED.loss}-loss.json`,
      // The poisoned gradients are the first half of an update that happens one step later.
      `00000${POISONED.gradient + 1}-gradients.json`,
    ]);
    const at = (name: string) =>
      storage
        .history(name)
        .values()
        .map(({ iteration }) => iteration);
    expect(at('accuracy')).toEqual([4, 9, 14, 19, 24, 29, 34, 39]);
    // The step whose loss was NaN stores nothing.
    const stored = [...Array(40).keys()].filter((iteration) => iteration !== POISONED.loss);
    expect(at('class_loss')).toEqual(stored);
    expect(at('nonfinite_gradients').length).toBeGreaterThan(0);
    const records = (await readFile(join(output, 'metrics.json'), 'utf8')).trim().split('\n');
    expect(records.map((line) => (JSON.parse(line) as { iteration: number }).iteration)).toEqual(stored);
  });

  it('give the same numbers captured as eagerly', async () => {
    if (!isHere('required')) skipTest('captured steps need native TensorFlow');
    const run = async (capture: 'off' | 'required') => {
      const trainer = fullTrainer({ output: join(dir, capture), capture, maxIterations: 60 });
      await trainer.train();
      const found = { weights: await weightsAndAverages(trainer), scalars: histories(trainer) };
      await trainer.dispose();
      return found;
    };
    const [eager, captured] = [await run('off'), await run('required')];
    for (const part of ['weights', 'scalars'] as const) {
      expect(Object.keys(captured[part]).sort()).toEqual(Object.keys(eager[part]).sort());
      for (const name of Object.keys(eager[part])) {
        const [a = [], b = []] = [captured[part][name]?.flat(), eager[part][name]?.flat()];
        expect({ name, off: difference(a, b) < 1e-6 ? 'little' : difference(a, b) }).toEqual({ name, off: 'little' });
      }
    }
    expect(Object.keys(eager.weights)).toContain('ema/dense_1/kernel');
  });

  it.each(MODES)('leave no tensor behind over many steps and a second training, capture %s', async (capture) => {
    if (!isHere(capture)) skipTest('captured steps need native TensorFlow');
    const before = tf.memory().numTensors;
    const trainer = fullTrainer({ output: dir, capture, plugins: everyPlugin({ period: 20 }) });
    await trainer.train({ maxIterations: 40 });
    const after = tf.memory().numTensors;
    // Five more periods, which is the window in which memory-stats looks for leaks.
    await trainer.train({ maxIterations: 140 });
    expect(tf.memory().numTensors).toBe(after);
    await trainer.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each(MODES)('resume to the bit from every checkpoint, capture %s', async (capture) => {
    if (!isHere(capture)) skipTest('captured steps need native TensorFlow');
    const wanted = await whole(capture);
    // Before, between and after the poisoned steps; at 4 in the middle of an accumulation.
    for (const iteration of [4, 9, 24]) {
      const resumed = fullTrainer({ output: join(dir, `from-${iteration}`), capture, seed: 99 });
      await resumed.load(join(wanted.output, `model_${String(iteration).padStart(7, '0')}.safetensors`));
      expect(resumed.iteration).toBe(iteration + 1);
      await resumed.train();
      expect({ iteration, weights: await weightsAndAverages(resumed) }).toEqual({ iteration, weights: wanted.weights });
      // The checkpoint was saved before the evaluation of its iteration, so the resumed run starts with that evaluation.
      expect({ iteration, scalars: histories(resumed) }).toEqual({ iteration, scalars: wanted.scalars });
      await resumed.dispose();
    }
  });

  it.each(MODES)('train in two calls as in one, capture %s', async (capture) => {
    if (!isHere(capture)) skipTest('captured steps need native TensorFlow');
    const inTwo = fullTrainer({ output: join(dir, 'two'), capture, maxIterations: 20 });
    await inTwo.train();
    await inTwo.train({ maxIterations: 40 });
    const inOne = await whole(capture);
    expect(await weightsAndAverages(inTwo)).toEqual(inOne.weights);
    expect(histories(inTwo)).toEqual(inOne.scalars);
    await inTwo.dispose();
  });
});
