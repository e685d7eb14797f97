import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeSafetensors, type HostTensor } from '@hookline/core';
import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { functionModel } from '../model/function-model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { loadWeights } from './load-weights.ts';
import { saveWeights } from './save-weights.ts';

const SCRIPT = join(import.meta.dirname, 'torch-network.test.fixture.py');
const FILE = SCRIPT.replace(/py$/, 'safetensors');
const TENSORS = decodeSafetensors(readFileSync(FILE)).tensors;

const PYTHON = process.env['HOOKLINE_PYTHON'] ?? 'python3';
const withTorch = spawnSync(PYTHON, ['-c', 'import torch, safetensors']).status === 0 ? it : it.skip;

let dir: string;
beforeAll(async () => {
  await selectDevice('auto');
  dir = temporaryFolder();
});

/** The same network as in the script. */
function makeNetwork(): Omit<TrainableModel, 'predict'> & { predict(x: tf.Tensor4D): tf.Tensor2D } {
  const zeros = (shape: number[], trainable = true): tf.Variable => tf.variable(tf.zeros(shape), trainable);
  const variables = {
    'stem/kernel': zeros([3, 3, 2, 3]),
    'norm/gamma': zeros([3]),
    'norm/beta': zeros([3]),
    'norm/moving_mean': zeros([3], false),
    'norm/moving_variance': zeros([3], false),
    'depthwise/kernel': zeros([3, 1, 3, 2]),
    'depthwise/bias': zeros([6]),
    'head/kernel': zeros([6, 4]),
    'head/bias': zeros([4]),
  };
  const of = <T>(name: keyof typeof variables): T => variables[name] as T;
  return functionModel({
    variables,
    losses: () => tf.scalar(0),
    weightTable: {
      'stem/kernel': { name: 'stem.weight', layout: 'convolution' },
      'norm/gamma': { name: 'bn.weight', layout: 'same' },
      'norm/beta': { name: 'bn.bias', layout: 'same' },
      'norm/moving_mean': { name: 'bn.running_mean', layout: 'same' },
      'norm/moving_variance': { name: 'bn.running_var', layout: 'same' },
      'depthwise/kernel': { name: 'depthwise.weight', layout: 'depthwise' },
      'depthwise/bias': { name: 'depthwise.bias', layout: 'same' },
      'head/kernel': { name: 'fc.weight', layout: 'linear' },
      'head/bias': { name: 'fc.bias', layout: 'same' },
    },
    predict: (x: tf.Tensor4D) =>
      tf.tidy(() => {
        const stem = x.conv2d(of('stem/kernel'), 1, 'same');
        const [mean, variance, beta, gamma] = ['moving_mean', 'moving_variance', 'beta', 'gamma'].map((name) =>
          of<tf.Tensor1D>(`norm/${name}` as 'norm/beta'),
        ) as [tf.Tensor1D, tf.Tensor1D, tf.Tensor1D, tf.Tensor1D];
        const hidden = tf.batchNorm(stem, mean, variance, beta, gamma, 1e-5).relu() as tf.Tensor4D;
        const depthwise = tf.depthwiseConv2d(hidden, of('depthwise/kernel'), 1, 'same').add(of('depthwise/bias'));
        return depthwise.mean<tf.Tensor2D>([1, 2]).matMul(of<tf.Tensor2D>('head/kernel')).add(of('head/bias'));
      }),
  }) as ReturnType<typeof makeNetwork>;
}

const inputs = (): tf.Tensor4D =>
  tf.tensor4d(TENSORS.get('test.inputs')!.data as Float32Array, [2, 2, 5, 4]).transpose([0, 2, 3, 1]);

const outputsOf = (model: ReturnType<typeof makeNetwork>): number[] => [
  ...tf.tidy(() => model.predict(inputs())).dataSync(),
];

function expectClose(found: readonly number[], wanted: readonly number[]): void {
  expect(found).toHaveLength(wanted.length);
  found.forEach((value, index) => expect(Math.abs(value / wanted[index]! - 1)).toBeLessThan(1e-5));
}

it('weights that PyTorch has saved give the outputs of PyTorch', async () => {
  const model = makeNetwork();
  expect(await loadWeights(model, FILE)).toMatchObject({ missing: [], mismatched: [] });
  expectClose(outputsOf(model), [...(TENSORS.get('test.outputs')!.data as Float32Array)]);
});

it("weights of PyTorch are written back to the bit, under PyTorch's names", async () => {
  const model = makeNetwork();
  await loadWeights(model, FILE);
  const { file, foreign, names } = await saveWeights(model, join(dir, 'made', 'back.safetensors'));
  expect(foreign).toBe(9);
  expect(names).toMatchObject({ 'stem/kernel': 'stem.weight' });
  const { tensors, metadata } = decodeSafetensors(readFileSync(file));
  expect(Object.fromEntries(metadata)).toEqual({ format: 'pt' });
  const wanted = [...TENSORS].filter(([name]) => !/^test|num_batches/.test(name));
  const sorted = (entries: Iterable<[string, HostTensor]>): [string, HostTensor][] =>
    [...entries].sort(([one], [other]) => (one < other ? -1 : 1));
  expect(sorted(tensors)).toEqual(sorted(wanted));
  const other = makeNetwork();
  expect(await loadWeights(other, file)).toMatchObject({ missing: [], unexpected: [] });
  expect(outputsOf(other)).toEqual(outputsOf(model));
});

withTorch(
  'PyTorch loads the saved weights with strict=True (needs Python with torch and safetensors; HOOKLINE_PYTHON names the interpreter)',
  async () => {
    const model = makeNetwork();
    await loadWeights(model, FILE);
    const { file } = await saveWeights(model, join(dir, 'for-torch.safetensors'));
    const { stdout, stderr } = spawnSync(PYTHON, [SCRIPT, 'check', file], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expectClose((JSON.parse(stdout) as number[][]).flat(), outputsOf(model));
  },
);

it('a table with the same name for two variables is refused', async () => {
  const variables = { a: tf.variable(tf.scalar(1)), b: tf.variable(tf.scalar(2)) };
  const weightTable = { a: { name: 'b', layout: 'same' } } as const;
  const model = functionModel({ variables, weightTable, losses: () => tf.scalar(0) });
  await expect(saveWeights(model, join(dir, 'x.safetensors'))).rejects.toThrow(/HKL_WEIGHTS_NAMES.*"b"/);
});
