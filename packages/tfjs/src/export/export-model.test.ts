import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import tf from '#tfjs';
import { loadNativeBackend } from '../device/load-native.ts';
import { functionModel } from '../model/function-model.ts';
import { layersModel, type TrainableLayersModel } from '../model/layers-model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { exportModel, type ExportedModel } from './export-model.ts';
import type { ExportGraph } from '../export-graph/export-graph.ts';
import { sourceOfInputs } from '../export-graph/forward-source.ts';
import { openOnnx } from '../export-formats/onnx/run-onnx.ts';
import { writeOnnx } from '../export-formats/onnx/write-onnx.ts';
import { readGraphModel } from './read-written.test.support.ts';
import { recordExport } from '../export-graph/record-export.ts';
import { openWritten } from './run-written.ts';

let folder: string;
beforeAll(async () => {
  await loadNativeBackend(true);
});
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => {
  tf.disposeVariables();
});

/** A convnet on bytes, whose weights and statistics differ from their initial values. */
function convnet(): TrainableLayersModel {
  const { layers: l } = tf;
  const net = tf.sequential({
    layers: [
      l.conv2d({ inputShape: [12, 12, 1], filters: 4, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu' }),
      l.batchNormalization(),
      l.dropout({ rate: 0.5 }),
      l.maxPooling2d({ poolSize: 2 }),
      l.flatten(),
      l.dense({ units: 3, activation: 'softmax' }),
    ],
  });
  net.setWeights(net.getWeights().map((each, place) => tf.randomUniform(each.shape, 0.2, 1, 'float32', place)));
  return layersModel<{ image: tf.Tensor4D }>(net, {
    name: 'convnet',
    inputs: ({ image }) => image.toFloat().div(255),
    loss: (out) => (out as tf.Tensor).mean(),
  });
}

const bytes = (items: number): tf.Tensor4D =>
  tf.randomUniform<tf.Rank.R4>([items, 12, 12, 1], 0, 255, 'float32', 3).floor().cast('int32');
const values = (tensor: tf.Tensor): number[] => [...tensor.dataSync()];
const record = (at: string): ExportedModel =>
  JSON.parse(readFileSync(join(at, 'export.json'), 'utf8')) as ExportedModel;
const far = (a: number[], b: number[]): number => Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

describe('exportModel', () => {
  it('includes the preprocessing of a batch in the graph, for any number of items, and describes it', async () => {
    const model = convnet();
    const output = join(folder, 'a', 'graph');
    const batch = { image: bytes(6), label: tf.zeros([6], 'int32') };
    const details = { checkpoint: 'x.safetensors', classNames: ['a', 'b', 'c'] };
    const before = tf.memory().numTensors;
    const exported = await exportModel(model, { format: 'graph-model', output, example: batch, details });
    expect(tf.memory().numTensors).toBe(before);
    expect(model.training).toBe(true);
    expect(record(output)).toEqual(exported);
    expect(exported).toMatchObject({
      format: 'graph-model',
      model: 'convnet',
      ...details,
      inputs: [{ name: 'image', shape: [null, 12, 12, 1], dtype: 'int32' }],
      outputs: [{ name: 'output', shape: [null, 3], dtype: 'float32' }],
      check: { batches: [1, 4] },
    });
    const [low, high] = exported.inputs[0]!.range;
    expect([low >= 0, high > 200, high <= 255]).toEqual([true, true, true]);
    expect(readdirSync(output).sort()).toEqual([...exported.files, 'export.json'].sort());
    const graph = await readGraphModel(output);
    for (const items of [1, 3, 16]) {
      const image = bytes(items);
      model.training = false;
      const want = values(model.predict(model.inputs!({ image })) as tf.Tensor);
      expect(far(values(graph.execute({ image }) as tf.Tensor), want)).toBeLessThan(1e-6);
      expect(want.every((value) => value > 0 && value < 1)).toBe(true);
    }
  });

  it('finds the inputs of a tf.layers model, and writes it for a fixed number of items', async () => {
    const exported = await exportModel(convnet(), { format: 'saved-model', output: join(folder, 'saved'), batch: 2 });
    expect(exported.inputs).toMatchObject([{ shape: [2, 12, 12, 1], dtype: 'float32', range: [0, 1] }]);
    expect(exported.outputs).toMatchObject([{ shape: [2, 3] }]);
    expect(exported.check).toMatchObject({ runtime: 'native TensorFlow', batches: [2] });
  });

  it('writes a tf.layers model that others can continue training', async () => {
    const model = convnet();
    const output = join(folder, 'layers');
    const exported = await exportModel(model, { format: 'layers-model', output });
    expect(exported.check).toMatchObject({ difference: 0, batches: [1, 4] });
    const { modelTopology } = JSON.parse(readFileSync(join(output, 'model.json'), 'utf8'));
    expect(modelTopology.class_name).toBe('Sequential');
  });

  it('keeps the names of inputs and outputs, even when they are equal', async () => {
    const w = tf.variable(tf.randomNormal([3, 2], 0, 1, 'float32', 1), true, 'kernel');
    const model = functionModel({
      variables: { w },
      losses: () => tf.scalar(0),
      predict: ({ x, mask }: { x: tf.Tensor2D; mask: tf.Tensor2D }) =>
        tf.tidy(() => ({ x: x.matMul(w as tf.Tensor2D), sums: [x.mul(mask).sum(1), x.max(1)] })),
    });
    const output = join(folder, 'names');
    const inputs = { x: { shape: [null, 3], range: [-1, 1] }, mask: { shape: [null, 3] } } as const;
    const exported = await exportModel(model, { format: 'graph-model', output, inputs });
    expect(exported.inputs.map(({ name }) => name)).toEqual(['x', 'mask']);
    expect(exported.outputs.map(({ name }) => name)).toEqual(['x_1', 'sums_0', 'sums_1']);
    const { modelTopology } = JSON.parse(readFileSync(join(output, 'model.json'), 'utf8'));
    expect(modelTopology.node.map(({ name }: { name: string }) => name)).toContain('kernel');
  });

  it('writes constants and large tensors from outside of the model', async () => {
    const table = tf.randomNormal([100, 60], 0, 1, 'float32', 1);
    const model = functionModel({
      variables: {},
      losses: () => tf.scalar(0),
      predict: (x: tf.Tensor2D) => tf.tidy(() => x.matMul(table as tf.Tensor2D)),
    });
    const exported = await exportModel(model, {
      format: 'saved-model',
      output: join(folder, 'outside'),
      inputs: { shape: [null, 100] },
    });
    expect(exported.inputs).toHaveLength(1);
  });

  it('replaces an earlier export, and no other files', async () => {
    const output = join(folder, 'out');
    const model = convnet();
    await exportModel(model, { format: 'layers-model', output });
    await exportModel(model, { format: 'saved-model', output });
    expect(readdirSync(output).sort()).toEqual(['export.json', 'saved_model.pb', 'variables']);
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    await expect(exportModel(model, { format: 'saved-model', output: folder })).rejects.toMatchObject({
      code: 'HKL_EXPORT_OPTION',
    });
    expect(readdirSync(folder).sort()).toEqual(['notes.txt', 'out']);
  });

  it('leaves nothing behind when the written model gives other outputs, or cannot be recorded', async () => {
    let calls = 0;
    // The model counts in a way that recordings do not detect; only the check does.
    const counting = functionModel({
      name: 'counting',
      variables: {},
      losses: () => tf.scalar(0),
      predict: (x: tf.Tensor2D) => tf.tidy(() => (x.shape[0] === 4 ? x.mul(2) : x.add(calls++ * 0))),
    });
    const inputs = { shape: [null, 3] } as const;
    const output = join(folder, 'wrong');
    await expect(exportModel(counting, { format: 'graph-model', output, inputs })).rejects.toMatchObject({
      code: 'HKL_EXPORT_CHECK',
      message: expect.stringContaining('on 4 items'),
      fix: expect.stringContaining('--batch'),
    });
    const drawing = functionModel({
      variables: {},
      losses: () => tf.scalar(0),
      predict: (x: tf.Tensor2D) => tf.tidy(() => x.add(Math.random())),
    });
    await expect(exportModel(drawing, { format: 'graph-model', output, inputs })).rejects.toMatchObject({
      code: 'HKL_CAPTURE_HOST_VALUE',
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['an unknown format', { format: 'tflite' as never }, 'HKL_EXPORT_OPTION', /graph-model/],
    ['a batch of none', { batch: 0 }, 'HKL_EXPORT_OPTION', /batch/],
    ['layers of what has none', { format: 'layers-model' }, 'HKL_EXPORT_OPTION', /tf.layers/],
    ['inputs that nobody knows', { inputs: undefined }, 'HKL_EXPORT_INPUTS', /takes/],
    ['an open axis in the middle', { inputs: { shape: [null, null] } }, 'HKL_EXPORT_INPUTS', /size 1/],
    ['both kinds of inputs', { example: tf.zeros([1]) }, 'HKL_EXPORT_OPTION', /exclude/],
    ['a misspelt option', { fromat: 1 }, 'HKL_OPTION_UNKNOWN', /fromat/],
  ] as const)('refuses %s', async (_, options, code, message) => {
    const model = functionModel({ variables: {}, losses: () => tf.scalar(0), predict: (x: tf.Tensor2D) => x.add(1) });
    const given = { format: 'graph-model', output: join(folder, 'x'), inputs: { shape: [null, 3] }, ...options };
    await expect(exportModel(model, given as never)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });
});

const hasOnnx = ['onnxruntime-node', 'onnxruntime-web'].some((name) => {
  try {
    return createRequire(import.meta.url).resolve(name) !== '';
  } catch {
    return false;
  }
});

/** Two layers of attention over tokens, with an embedding, layer norms and gelu. */
function transformer(): TrainableModel {
  const [width, heads, length] = [16, 2, 6];
  const variables: Record<string, tf.Variable> = {};
  const weight = (name: string, shape: number[], mean = 0): (() => tf.Tensor2D) => {
    const seed = Object.keys(variables).length + 1;
    variables[name] = tf.variable(tf.randomNormal(shape, mean, 0.3, 'float32', seed), true, `transformer/${name}`);
    return () => variables[name] as tf.Tensor as tf.Tensor2D;
  };
  const tokens = weight('tokens', [20, width]);
  const places = weight('places', [length, width]);
  const norm = (name: string) => {
    const [gamma, beta] = [weight(`${name}/gamma`, [width], 1), weight(`${name}/beta`, [width])];
    return (x: tf.Tensor): tf.Tensor => {
      const { mean, variance } = tf.moments(x, -1, true);
      return x.sub(mean).mul(variance.add(1e-5).rsqrt()).mul(gamma()).add(beta());
    };
  };
  const dense = (name: string, from: number, to: number) => {
    const [kernel, bias] = [weight(`${name}/kernel`, [from, to]), weight(`${name}/bias`, [to])];
    return (x: tf.Tensor): tf.Tensor => {
      const flat = x.reshape<tf.Tensor2D>([-1, from]).matMul(kernel()).add(bias());
      return flat.reshape([...x.shape.slice(0, -1), to]);
    };
  };
  const gelu = (x: tf.Tensor): tf.Tensor => x.mul(x.div(Math.SQRT2).erf().add(1)).mul(0.5);
  const split = (x: tf.Tensor): tf.Tensor =>
    x.reshape([x.shape[0], length, heads, width / heads]).transpose([0, 2, 1, 3]);
  const blocks = [0, 1].map((block) => {
    const at = (part: string): string => `block${block}/${part}`;
    const [before, between] = [norm(at('norm0')), norm(at('norm1'))];
    const [query, key, value, out] = ['query', 'key', 'value', 'out'].map((part) => dense(at(part), width, width));
    const [wide, narrow] = [dense(at('wide'), width, 2 * width), dense(at('narrow'), 2 * width, width)];
    return (x: tf.Tensor): tf.Tensor => {
      const normed = before(x);
      const scores = tf.matMul(split(query!(normed)), split(key!(normed)), false, true).div(Math.sqrt(width / heads));
      const mixed = tf
        .matMul(tf.softmax(scores), split(value!(normed)))
        .transpose([0, 2, 1, 3])
        .reshape(x.shape);
      const attended = x.add(out!(mixed));
      return attended.add(narrow(gelu(wide(between(attended)))));
    };
  });
  const last = dense('last', width, 5);
  const predict = (of: tf.Tensor2D): tf.Tensor =>
    tf.tidy(() => last(blocks.reduce((x, block) => block(x), tokens().gather(of).add(places())).mean(1)));
  return functionModel({ name: 'transformer', variables, losses: () => tf.scalar(0), predict });
}

describe.each([
  {
    name: 'a transformer',
    make: transformer,
    input: { name: 'tokens', shape: [null, 6], dtype: 'int32', range: [0, 19] },
    batch: (items: number) => tf.randomUniform([items, 6], 0, 20, 'int32', items),
    want: (model: TrainableModel, tokens: tf.Tensor) => model.predict!(tokens),
  },
  {
    name: 'a tf.layers model with its preparation',
    make: convnet,
    input: undefined,
    batch: bytes,
    want: (model: TrainableModel, image: tf.Tensor) => model.predict!(model.inputs!({ image })),
  },
] as const)('$name', ({ make, input, batch, want: predict }) => {
  it.each(['graph-model', 'saved-model', ...(hasOnnx ? (['onnx'] as const) : [])] as const)(
    'gives the same outputs as predict when written as %s, for 1, 3 and 16 items',
    async (format) => {
      const model = make();
      const output = join(folder, format);
      const given = input === undefined ? { example: { image: bytes(5) } } : { inputs: input };
      const exported = await exportModel(model, { format, output, ...given });
      const ends = { inputs: exported.inputs, outputs: exported.outputs } as unknown as ExportGraph;
      const written = await openWritten(format, output, ends);
      if (typeof written === 'string') throw new Error(written);
      model.training = false;
      for (const items of [1, 3, 16]) {
        const inputs = batch(items);
        const want = values(predict(model, inputs) as tf.Tensor);
        const got = (await written.run(new Map([[input?.name ?? 'image', inputs]]))).get('output')!;
        expect(far([...(got.values as Float32Array)], want)).toBeLessThan(1e-5 * Math.max(...want.map(Math.abs)));
      }
      written.close();
    },
  );
});

(hasOnnx ? it : it.skip)(
  'an ONNX model with many weights stores them in a separate file (needs onnxruntime-node)',
  async () => {
    const model = transformer();
    const source = sourceOfInputs(model, { shape: [null, 6], dtype: 'int32', range: [0, 19] }, undefined);
    const { graph } = recordExport('transformer', source, undefined);
    expect(await writeOnnx(graph, folder, 'transformer', 1000)).toEqual(['model.onnx', 'model.onnx.data']);
    expect(statSync(join(folder, 'model.onnx.data')).size).toBeGreaterThan(15_000);
    const written = await openOnnx(folder);
    if (typeof written === 'string') throw new Error(written);
    const tokens = tf.randomUniform([2, 6], 0, 20, 'int32', 1);
    const got = (await written.run(new Map([['input', tokens]]))).get('output')!;
    const want = values(model.predict!(tokens) as tf.Tensor);
    expect(far([...(got.values as Float32Array)], want)).toBeLessThan(1e-5);
    written.close();
    source.dispose();
  },
);

const PYTHON = process.env['HOOKLINE_PYTHON'] ?? 'python3';
const hasTensorFlow = spawnSync(PYTHON, ['-c', 'import tensorflow'], { env: process.env }).status === 0;

(hasTensorFlow ? it : it.skip)(
  'a SavedModel is read by TensorFlow in Python (needs the package tensorflow; HOOKLINE_PYTHON names the interpreter)',
  async () => {
    const model = convnet();
    const output = join(folder, 'saved');
    await exportModel(model, { format: 'saved-model', output, example: { image: bytes(4) } });
    const image = bytes(3);
    model.training = false;
    const want = values(model.predict(model.inputs!({ image })) as tf.Tensor);
    const script = `
import sys, json, numpy as np, tensorflow as tf
run = tf.saved_model.load(sys.argv[1]).signatures['serving_default']
image = np.array(json.load(sys.stdin), np.int32).reshape(3, 12, 12, 1)
print(json.dumps(run(image=tf.constant(image))['output'].numpy().ravel().tolist()))`;
    const { stdout, stderr } = spawnSync(PYTHON, ['-c', script, output], {
      input: JSON.stringify(values(image)),
      encoding: 'utf8',
      env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' },
    });
    expect(stdout === '' ? stderr : '').toBe('');
    expect(far(JSON.parse(stdout), want)).toBeLessThan(1e-5);
    expect(existsSync(join(output, 'variables'))).toBe(true);
  },
);
