import { readFile } from 'node:fs/promises';
import { commRef, type Communicator, replace, singleProcess, TrainerBase } from '@hookline/core';
import { checkPluginContract, RecordingLogger, tinyTraining, weightsOf } from '@hookline/testing';
import { functionModel, meanOverRanks, ranksOfStep, selectDevice, sgd, tf, tfjsRuntime } from '@hookline/tfjs';
import { dataParallel } from './plugin.ts';

beforeAll(() => selectDevice('auto'));

/** What the first rank tells where it has no value to tell. */
const NOTHING = Buffer.from('{}');

/** Two ranks that do the same: whatever is averaged over them stays what it is. What real ones do, `two-ranks.test.ts` tells. */
const alike = (changes: Partial<Communicator> = {}): Communicator => ({
  ...singleProcess,
  size: 2,
  gather: (bytes) => Promise.resolve([bytes, bytes]),
  broadcast: (bytes) => Promise.resolve(bytes ?? NOTHING),
  ...changes,
});

/** The first rank has 5 and 6 for weights. */
const sendFirst: Communicator['broadcast'] = (own, _root, what = '') =>
  Promise.resolve(
    what.startsWith('the first values') ? new Uint8Array(Float32Array.of(5, 6).buffer) : (own ?? NOTHING),
  );

function training(comm: Communicator, options: Parameters<typeof dataParallel>[0] = {}) {
  const w = tf.variable(tf.tensor1d([1, 2]));
  const seen: number[] = [];
  const drawn: number[] = [];
  const { services, plugins } = tfjsRuntime({
    model: () =>
      functionModel<{ x: tf.Tensor }>({
        variables: { w },
        losses: ({ x }, _, scope) => {
          seen.push(ranksOfStep());
          drawn.push(...(scope?.random('noise').uniform([2]).dataSync() ?? []));
          return meanOverRanks(x.mul(w).sum()) as tf.Scalar;
        },
      }),
    optimizer: (model) => sgd(model, { learningRate: 0.1 }),
    data: [{ x: { data: Float32Array.of(1, 1), shape: [2] } }],
    repeat: true,
    capture: 'off',
  });
  const trainer = new TrainerBase({
    maxIterations: 2,
    seed: 1,
    logger: new RecordingLogger(),
    services: [...services, replace(commRef, () => comm)],
    plugins: [...plugins, dataParallel(options)],
  });
  return { trainer, w, seen, drawn };
}

describe('dataParallel', () => {
  it('has the name and version of its package', async () => {
    const { name, version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(dataParallel.definition).toMatchObject({ name, version });
  });

  it('taps no hook in a single process', async () => {
    const trainer = tinyTraining({ plugins: [dataParallel()] });
    await trainer.train();
    const without = tinyTraining();
    await without.train();
    expect(await weightsOf(trainer)).toEqual(await weightsOf(without));
    const { plugins } = await tinyTraining({ plugins: [dataParallel()] }).describe();
    expect(plugins.find(({ shortName }) => shortName === 'data-parallel')?.taps).toEqual([]);
  });

  it('lends each step the number of ranks, and takes it away afterwards', async () => {
    const { trainer, w, seen } = training(alike());
    await trainer.train();
    expect(seen).toEqual([2, 2]);
    expect(ranksOfStep()).toBe(1);
    expect(w.arraySync()).toEqual([expect.closeTo(0.8, 6), expect.closeTo(1.8, 6)]);
    await trainer.dispose();
  });

  it("takes the first rank's values before the first step", async () => {
    const { trainer, w } = training(alike({ rank: 1, broadcast: sendFirst }));
    await trainer.train();
    expect(w.arraySync()).toEqual([expect.closeTo(4.8, 5), expect.closeTo(5.8, 5)]);
    await trainer.dispose();
  });

  it('gives each rank random tensors of its own', async () => {
    const drawnBy = async (rank: number): Promise<number[]> => {
      const { trainer, drawn } = training(alike({ rank, broadcast: sendFirst }));
      await trainer.train();
      await trainer.dispose();
      return drawn;
    };
    expect(await drawnBy(0)).toEqual(await drawnBy(0));
    expect(await drawnBy(1)).not.toEqual(await drawnBy(0));
  });

  it('refuses ranks with other variables', async () => {
    const other = Buffer.from(JSON.stringify(['model/w: float32 [3]']));
    const gather = (bytes: Uint8Array, _root?: number, what?: string) =>
      Promise.resolve([bytes, what === 'the variables of all ranks' ? other : bytes]);
    const { trainer } = training(alike({ gather }));
    await expect(trainer.train()).rejects.toThrow(/HKL_RANKS_DIFFER.*rank 1: model\/w: float32 \[3\]/);
    await trainer.dispose();
  });

  it('checks its options', async () => {
    await expect(tinyTraining({ plugins: [dataParallel({ bucketBytes: 0 })] }).train()).rejects.toThrow(/bucketBytes/);
  });

  it('keeps the contract of plugins', async () => {
    await checkPluginContract({ plugin: () => dataParallel() });
  });
});
