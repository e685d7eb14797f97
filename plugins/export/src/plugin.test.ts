import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RecordingLogger, saveAt, tinyTraining, weightsOf } from '@hookline/testing';
import { selectDevice, tf } from '@hookline/tfjs';
import { exportBest } from './plugin.ts';

let output: string;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  output = temporaryFolder();
});

const inputs = { shape: [null, 4] } as const;
/** Only native TensorFlow records its ops. */
const isNative = (): boolean => tf.getBackend() === 'tensorflow';
const record = async (format: string) =>
  JSON.parse(await readFile(join(output, 'exported', format, 'export.json'), 'utf8')) as Record<string, unknown>;
const weightOf = async (format: string): Promise<Buffer> =>
  readFile(join(output, 'exported', format, 'group1-shard1of1.bin'));

describe('exportBest', () => {
  it('has the name and version of its package', async () => {
    const { name, version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(exportBest.definition).toMatchObject({ name, version });
  });

  it('exports the named checkpoint, and leaves the weights of the end in the model', async () => {
    if (!isNative()) skipTest('exporting needs native TensorFlow');
    const plain = tinyTraining();
    await plain.train();
    const logger = new RecordingLogger();
    const plugins = [saveAt(6), exportBest({ checkpoint: 'mid', formats: ['graph-model', 'saved-model'], inputs })];
    const trainer = tinyTraining({ plugins, output, logger });
    await trainer.train();
    expect(await weightsOf(trainer)).toEqual(await weightsOf(plain));
    expect(await record('graph-model')).toMatchObject({
      format: 'graph-model',
      checkpoint: expect.stringContaining('mid'),
      iteration: 7,
      check: { batches: [1, 4] },
    });
    const mid = await weightOf('graph-model');
    const end = tinyTraining({ plugins: [exportBest({ checkpoint: 'none', inputs })], output });
    await end.train();
    expect((await weightOf('graph-model')).equals(mid)).toBe(false);
    expect(await record('graph-model')).toMatchObject({ checkpoint: null, iteration: 12 });
  });

  it('says why nothing could be exported, after everything was saved', async () => {
    if (!isNative()) skipTest('exporting needs native TensorFlow');
    const trainer = tinyTraining({ plugins: [saveAt(11), exportBest()], output });
    await expect(trainer.train()).rejects.toThrow('HKL_EXPORT_INPUTS');
    expect(await readdir(output)).toContain('mid.safetensors');
  });

  it.each([{ formats: [] }, { formats: ['tflite'] }, { batch: 0 }])('refuses %j', async (options) => {
    await expect(tinyTraining({ plugins: [exportBest(options as never)] }).prepare()).rejects.toMatchObject({
      code: 'HKL_OPTION_INVALID',
    });
  });
});
