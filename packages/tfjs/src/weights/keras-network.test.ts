import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { exportModel } from '../export/export-model.ts';
import { writeLayersModel } from '../export-formats/write-layers-model.ts';
import { functionModel } from '../model/function-model.ts';
import { layersModel, type TrainableLayersModel } from '../model/layers-model.ts';
import { modelVariables } from '../model/trainable-model.ts';
import { loadWeights } from './load-weights.ts';

const FIXTURE = join(import.meta.dirname, 'keras-network.test.fixture');

let dir: string;
beforeAll(async () => {
  await selectDevice('auto');
});
beforeEach(() => {
  dir = temporaryFolder();
});

/** The same network as in the script. */
function makeNetwork(classes = 3, inner: tf.layers.Layer[] = []): TrainableLayersModel {
  const { conv2d, batchNormalization, depthwiseConv2d, flatten, dense, dropout, reshape, bidirectional, lstm } =
    tf.layers;
  const net = tf.sequential({
    name: 'net',
    layers: [
      conv2d({ filters: 2, kernelSize: 3, inputShape: [6, 6, 1] }),
      batchNormalization(),
      depthwiseConv2d({ kernelSize: 2 }),
      tf.sequential({
        layers: [
          conv2d({ filters: 2, kernelSize: 1, inputShape: [3, 3, 2] }),
          batchNormalization(),
          ...inner,
          conv2d({ filters: 1, kernelSize: 1 }),
        ],
      }),
      flatten(),
      dense({ units: 4 }),
      dropout({ rate: 0.5 }),
      reshape({ targetShape: [4, 1] }),
      bidirectional({
        layer: lstm({ units: 2, recurrentActivation: 'sigmoid' }),
        mergeMode: 'concat',
      }),
      dense({ units: classes }),
    ],
  });
  return layersModel(net, { loss: () => tf.scalar(0) });
}

const valuesOf = (model: TrainableLayersModel): Record<string, number[]> =>
  Object.fromEntries([...modelVariables(model)].map(([name, variable]) => [name, [...variable.dataSync()]]));

async function expectOutputsOfKeras(model: TrainableLayersModel): Promise<void> {
  const facts = JSON.parse(await readFile(`${FIXTURE}.json`, 'utf8')) as Record<'inputs' | 'outputs', number[]>;
  model.training = false;
  const found = tf.tidy(() => (model.predict(tf.tensor(facts.inputs, [2, 6, 6, 1])) as tf.Tensor).dataSync());
  expect(found).toHaveLength(6);
  found.forEach((value, index) => expect(Math.abs(value / facts.outputs[index]! - 1)).toBeLessThan(1e-5));
}

describe('weights of Keras', () => {
  it('from a .keras file give the outputs of Keras', async () => {
    const model = makeNetwork();
    const { summary } = await loadWeights(model, `${FIXTURE}.keras`);
    expect(summary).toBe("26 of the model's 26 tensors loaded (a Keras model)");
    await expectOutputsOfKeras(model);
  });

  it('from an .h5 file of an older version give them, too', async () => {
    const file = join(dir, 'model.h5');
    await writeFile(file, gunzipSync(await readFile(`${FIXTURE}.h5.gz`)));
    const model = makeNetwork();
    expect(await loadWeights(model, file)).toMatchObject({ kind: 'Keras weights', missing: [], unexpected: [] });
    await expectOutputsOfKeras(model);
    await writeFile(file, (await readFile(file)).subarray(0, 5000));
    await expect(loadWeights(model, file)).rejects.toThrow(
      /HKL_WEIGHTS_DAMAGED.*its HDF5 cannot be read: truncated file/,
    );
  });

  it('do not change a head with another number of classes', async () => {
    const { loaded, mismatched } = await loadWeights(makeNetwork(5), `${FIXTURE}.keras`);
    expect(loaded).toHaveLength(24);
    expect(mismatched[0]).toEqual({
      name: 'dense_2/kernel',
      found: 'dense_1/vars/0 float32 [4, 3]',
      wanted: 'float32 [4, 5]',
    });
  });

  it('of a layer with fewer weights are not mistaken for others', async () => {
    const model = makeNetwork();
    const without = tf.sequential({
      layers: [tf.layers.batchNormalization({ scale: false, inputShape: [2] }), tf.layers.dense({ units: 1 })],
    });
    await expect(
      loadWeights(layersModel(without, { loss: () => tf.scalar(0) }), `${FIXTURE}.keras`, { partial: true }),
    ).rejects.toThrow(/HKL_WEIGHTS_NONE.*has 3 weights, and batch_normalization in the file 4/);
    const functions = functionModel({ variables: { a: tf.variable(tf.scalar(1)) }, losses: () => tf.scalar(0) });
    await expect(loadWeights(functions, `${FIXTURE}.keras`)).rejects.toThrow(/whose layers fit tf\.layers models/);
    expect(valuesOf(model)['dense_1/bias']).toEqual([0, 0, 0, 0]);
  });
});

describe('weights of TensorFlow.js', () => {
  it('from a LayersModel have the same bits', async () => {
    const from = makeNetwork();
    await loadWeights(from, `${FIXTURE}.keras`);
    await writeLayersModel(from.layers, dir);
    const to = makeNetwork();
    const { kind, warnings } = await loadWeights(to, join(dir, 'model.json'));
    expect({ kind, warnings }).toEqual({ kind: 'a TensorFlow.js LayersModel', warnings: [] });
    expect(valuesOf(to)).toEqual(valuesOf(from));
    const changed = makeNetwork(3, [tf.layers.dense({ units: 2 })]);
    for (const partial of [false, true])
      await expect(loadWeights(changed, join(dir, 'model.json'), { partial })).rejects.toThrow(
        /HKL_WEIGHTS_MISMATCH.*its layers are others, .*the model "net" has 28 weights, the file 26\. .*the same names/,
      );
    await expect(loadWeights(changed, `${FIXTURE}.keras`)).rejects.toThrow(
      /the model "net" has sequential\/dense, the file no other layers/,
    );
    expect((await loadWeights(changed, `${FIXTURE}.keras`, { partial: true })).loaded).toHaveLength(26);
    await writeFile(join(dir, 'weights.bin'), Buffer.alloc(10));
    await expect(loadWeights(to, join(dir, 'model.json'))).rejects.toThrow(/HKL_WEIGHTS_DAMAGED/);
    const json = (await readFile(join(dir, 'model.json'), 'utf8')).replace('weights.bin', '../weights.bin');
    await writeFile(join(dir, 'model.json'), json);
    await expect(loadWeights(to, join(dir, 'model.json'))).rejects.toThrow(/which is no file beside it/);
  });

  it('from a GraphModel are found by the names of its constants', async () => {
    const make = (value: number) => {
      const w = tf.variable(tf.fill([4, 2], value), true, value === 0 ? undefined : 'line/w');
      const predict = (x: tf.Tensor2D) => x.matMul<tf.Tensor2D>(w as tf.Tensor as tf.Tensor2D);
      return functionModel({ variables: { 'line/w': w }, losses: () => tf.scalar(0), predict });
    };
    const output = join(dir, 'graph');
    await exportModel(make(3), { format: 'graph-model', output, inputs: { shape: [null, 4] } });
    const to = make(0);
    await loadWeights(to, join(output, 'model.json'));
    expect([...modelVariables(to).get('line/w')!.dataSync()]).toEqual(Array.from({ length: 8 }, () => 3));
  });
});

it('a file of torch.save is refused, with advice', async () => {
  // Only the names in the archive count: an archive of PyTorch holds a pickle.
  const name = Buffer.from('archive/data.pkl');
  const local = Buffer.alloc(30);
  local.write('PK\x03\x04', 'latin1');
  local.writeUInt16LE(name.length, 26);
  const central = Buffer.alloc(46);
  central.write('PK\x01\x02', 'latin1');
  central.writeUInt16LE(name.length, 28);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length + name.length, 12);
  end.writeUInt32LE(local.length + name.length, 16);
  const file = join(dir, 'resnet18.pth');
  await writeFile(file, Buffer.concat([local, name, central, name, end]));
  await expect(loadWeights(makeNetwork(), file)).rejects.toThrow(
    /HKL_WEIGHTS_FORMAT.*resnet18\.pth: it is a pickle of PyTorch.*safetensors\.torch\.save_file/s,
  );
  await writeFile(file, 'PK\x03\x04 and nothing');
  await expect(loadWeights(makeNetwork(), file)).rejects.toThrow(/HKL_WEIGHTS_DAMAGED.*a zip that cannot be read/);
});
