import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeSafetensors, type HostTensor } from '@hookline/core';
import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { functionModel } from '../model/function-model.ts';
import { type TrainableModel, modelVariables } from '../model/trainable-model.ts';
import { loadWeights } from './load-weights.ts';
import type { WeightTable } from '../model/weight-table.ts';

let dir: string;
beforeAll(async () => {
  await selectDevice('auto');
});
beforeEach(() => {
  dir = temporaryFolder();
});

/** A float32 tensor of the given shape with the numbers `from`, `from + 1`, and so on. */
const counted = (shape: readonly number[], from = 0): HostTensor => {
  const data = Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, (_, i) => from + i);
  return { dtype: 'float32', shape, data };
};

const together = <T>(parts: readonly Readonly<Record<string, T>>[]): Record<string, T> =>
  Object.fromEntries(parts.flatMap((part) => Object.entries(part)));

const layer = (ours: string, foreign: string, size: number) => ({
  table: {
    [`${ours}/gamma`]: { name: `${foreign}.weight`, layout: 'same' },
    [`${ours}/beta`]: { name: `${foreign}.bias`, layout: 'same' },
    [`${ours}/moving_mean`]: { name: `${foreign}.running_mean`, layout: 'same' },
    [`${ours}/moving_variance`]: { name: `${foreign}.running_var`, layout: 'same' },
  } satisfies WeightTable,
  tensors: {
    [`${foreign}.weight`]: counted([size]),
    [`${foreign}.bias`]: counted([size], 10),
    [`${foreign}.running_mean`]: counted([size], 20),
    [`${foreign}.running_var`]: counted([size], 30),
    [`${foreign}.num_batches_tracked`]: { dtype: 'int64', shape: [], data: BigInt64Array.of(7n) } satisfies HostTensor,
  },
});
const NORMS = [1, 2, 3].map((place) => layer(`norm${place}`, `layer.${place}.bn`, 3));

const TABLE: WeightTable = {
  'stem/kernel': { name: 'conv1.weight', layout: 'convolution' },
  'depthwise/kernel': { name: 'dw.weight', layout: 'depthwise', aliases: ['conv_dw.weight'] },
  'head/kernel': { name: 'fc.weight', layout: 'linear' },
  'head/bias': { name: 'fc.bias', layout: 'same' },
  ...together(NORMS.map(({ table }) => table)),
};

/** The tensors that PyTorch saves for the same network. */
const foreign = (classes = 4): Record<string, HostTensor> => ({
  'conv1.weight': counted([3, 2, 2, 1]),
  'dw.weight': counted([6, 1, 1, 2]),
  'fc.weight': counted([classes, 2]),
  'fc.bias': counted([classes]),
  ...together(NORMS.map(({ tensors }) => tensors)),
});

const zeros = (shape: number[], trainable = true) => tf.variable(tf.zeros(shape), trainable);
const makeModel = (weightTable: WeightTable | undefined = TABLE): TrainableModel =>
  functionModel({
    name: 'net',
    losses: () => tf.scalar(0),
    ...(weightTable && { weightTable }),
    variables: {
      'stem/kernel': zeros([2, 1, 2, 3]),
      'depthwise/kernel': zeros([1, 2, 3, 2]),
      'head/kernel': zeros([2, 4]),
      'head/bias': zeros([4]),
      ...Object.fromEntries(
        [1, 2, 3].flatMap((place) => [
          [`norm${place}/gamma`, zeros([3])],
          [`norm${place}/beta`, zeros([3])],
          [`norm${place}/moving_mean`, zeros([3], false)],
          [`norm${place}/moving_variance`, zeros([3], false)],
        ]),
      ),
    },
  });

async function written(tensors: Readonly<Record<string, HostTensor>>, name = 'weights.safetensors'): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, encodeSafetensors(new Map(Object.entries(tensors))));
  return path;
}

const valuesOf = (model: TrainableModel): Record<string, unknown> =>
  Object.fromEntries([...modelVariables(model)].map(([name, variable]) => [name, variable.arraySync()]));
const untouched = valuesOf;

describe('weights of a PyTorch model', () => {
  it('are permuted to our axes, including batch norm statistics', async () => {
    const model = makeModel();
    const report = await loadWeights(model, await written(foreign()));
    expect(report).toMatchObject({ kind: 'safetensors', missing: [], unexpected: [], mismatched: [], warnings: [] });
    expect(report.summary).toBe("16 of the model's 16 tensors loaded (safetensors)");
    expect(valuesOf(model)).toMatchObject({
      // The axes [out, in, row, column] of the file are [row, column, in, out] here.
      'stem/kernel': [
        [
          [
            [0, 4, 8],
            [2, 6, 10],
          ],
        ],
        [
          [
            [1, 5, 9],
            [3, 7, 11],
          ],
        ],
      ],
      // There are three channels with two outputs each; the outputs of a channel are adjacent in the file.
      'depthwise/kernel': [
        [
          [
            [0, 2],
            [4, 6],
            [8, 10],
          ],
          [
            [1, 3],
            [5, 7],
            [9, 11],
          ],
        ],
      ],
      'head/kernel': [
        [0, 2, 4, 6],
        [1, 3, 5, 7],
      ],
      'norm2/gamma': [0, 1, 2],
      'norm2/moving_variance': [30, 31, 32],
    });
  });

  it('are found with a prefix, by aliases, and in several files', async () => {
    const names = Object.entries(foreign()).map(([name, tensor]): [string, HostTensor] => [
      `module.body.${name.replace('dw.weight', 'conv_dw.weight')}`,
      tensor,
    ]);
    const parts = [names.slice(0, 5), names.slice(5)];
    const map: Record<string, string> = { 'proj.weight': 'part1.safetensors' };
    for (const [index, part] of parts.entries()) {
      await written(Object.fromEntries([...part, ['proj.weight', counted([9])]]), `part${index}.safetensors`);
      for (const [name] of part) map[name] = `part${index}.safetensors`;
    }
    const index = join(dir, 'model.safetensors.index.json');
    await writeFile(index, JSON.stringify({ metadata: {}, weight_map: map }));
    const model = makeModel();
    const report = await loadWeights(model, index);
    expect(report.loaded).toHaveLength(16);
    expect(report.kind).toBe('safetensors in 2 files');
    for (const file of ['../part0.safetensors', 'part0.bin', 7]) {
      await writeFile(index, JSON.stringify({ weight_map: { 'conv1.weight': file } }));
      await expect(loadWeights(model, index)).rejects.toThrow(/HKL_WEIGHTS_DAMAGED.* which is no file beside it/);
    }
    await writeFile(index, JSON.stringify({ weight_map: { more: 'part0.safetensors' } }));
    await expect(loadWeights(model, index)).rejects.toThrow(/it says that part0.safetensors holds "more"/);
  });

  it('with another number of classes leave the head unchanged, and the report says so', async () => {
    const model = makeModel();
    const report = await loadWeights(model, await written({ ...foreign(1000), 'fc.extra': counted([1]) }));
    expect(report.loaded).toHaveLength(14);
    expect(report.mismatched[0]).toEqual({
      name: 'head/kernel',
      found: 'fc.weight float32 [1000, 2]',
      wanted: 'float32 [2, 4]',
    });
    expect(report.summary).toBe(
      "14 of the model's 16 tensors loaded (safetensors); of another shape and not loaded: " +
        'head/kernel (fc.weight float32 [1000, 2] in the file, float32 [2, 4] in the model), ' +
        'head/bias (fc.bias float32 [1000] in the file, float32 [4] in the model); left in the file: fc',
    );
    expect(valuesOf(model)['head/bias']).toEqual([0, 0, 0, 0]);
  });

  it('may fit a part of a larger model, and the report lists the rest', async () => {
    const table = Object.fromEntries(Object.entries(TABLE).filter(([name]) => !name.startsWith('head')));
    const report = await loadWeights(makeModel(table), await written(foreign()));
    expect(report).toMatchObject({ missing: ['head/kernel', 'head/bias'], unexpected: ['fc.bias', 'fc.weight'] });
    expect(report.summary).toMatch(/; not in the file: head; left in the file: fc$/);
  });

  it('of half precision or other types are widened', async () => {
    const half = [0x3c00, 0x8001, 0x03ff, 0xfbff, 0x0400, 0x0000];
    const bfloat = [0x3f80, 0xbf80, 0x4049, 0x0001, 0x0000, 0xff7f];
    const tensors: Record<string, HostTensor> = {
      'dw.weight': { dtype: 'float16', shape: [6, 1, 1, 2], data: Uint16Array.from([...half, ...half]) },
      'conv1.weight': { dtype: 'bfloat16', shape: [3, 2, 2, 1], data: Uint16Array.from([...bfloat, ...bfloat]) },
      'fc.weight': { dtype: 'float64', shape: [4, 2], data: Float64Array.from([0.1, 1, 2, 3, 4, 5, 6, 7]) },
      'fc.bias': { dtype: 'int64', shape: [4], data: BigInt64Array.of(1n, -2n, 3n, 4n) },
    };
    const model = makeModel();
    await loadWeights(model, await written({ ...foreign(), ...tensors }));
    const flat = (name: string): number[] => [...modelVariables(model).get(name)!.dataSync()];
    const sorted = (numbers: number[]): number[] => numbers.sort((one, other) => one - other);
    const halves = [1, -(2 ** -24), 1023 * 2 ** -24, -65504, 2 ** -14, 0];
    expect(sorted(flat('depthwise/kernel'))).toEqual(sorted([...halves, ...halves]));
    const bfloats = [1, -1, 3.140625, 2 ** -133, 0, -255 * 2 ** 120];
    expect(sorted(flat('stem/kernel'))).toEqual(sorted([...bfloats, ...bfloats]));
    expect(flat('head/kernel')[0]).toBe(Math.fround(0.1));
    expect(flat('head/bias')).toEqual([1, -2, 3, 4]);
  });
});

describe('weights that do not fit', () => {
  /** A deeper or different network that has some of the names. */
  const deeper = (): Record<string, HostTensor> => ({
    ...foreign(),
    ...together([4, 5, 6, 7].map((place) => layer('', `layer.${place}.bn`, 3).tensors)),
  });

  it('of another architecture are refused, even where some tensors have the right shape', async () => {
    const model = makeModel();
    const before = untouched(model);
    await expect(loadWeights(model, await written(deeper()))).rejects.toThrow(
      /\[HKL_WEIGHTS_MISMATCH\] .*weights.safetensors: too little fits the model "net": of 16 tensors that it expects, 16 can be loaded; left in the file: layer.4.bn, .* Give weights of this architecture/,
    );
    const shallow = Object.fromEntries(Object.entries(foreign()).filter(([name]) => !/layer.[23]/.test(name)));
    await expect(loadWeights(model, await written(shallow))).rejects.toThrow(/8 can be loaded; missing: norm2, norm3/);
    const wider = Object.fromEntries(
      Object.entries(foreign()).map(([name, tensor]) => [name, /[123].bn|conv1/.test(name) ? counted([6]) : tensor]),
    );
    await expect(loadWeights(model, await written(wider))).rejects.toThrow(
      /3 can be loaded; stem\/kernel is float32 \[2, 1, 2, 3\] in the model, and conv1.weight float32 \[6\] in the file/,
    );
    expect(valuesOf(model)).toEqual(before);
    expect(await loadWeights(model, await written(deeper()), { partial: true })).toMatchObject({ missing: [] });
  });

  it('raise an error where none fits, with the names of both', async () => {
    const other = await written({ 'encoder.0.weight': counted([2]), 'encoder.0.bias': counted([2]) });
    await expect(loadWeights(makeModel(), other, { partial: true })).rejects.toThrow(
      /\[HKL_WEIGHTS_NONE\] .*: it has encoder.0, the model "net" has stem, depthwise, head, norm1 and 2 more\. .*weightTable/,
    );
    const infinite = { ...foreign(), 'conv1.weight': counted([3, 2, 2, 1], Number.POSITIVE_INFINITY) };
    await expect(loadWeights(makeModel(), await written(infinite))).rejects.toThrow(
      /HKL_STATE_NOT_FINITE.*stem\/kernel/,
    );
  });

  it('may be more or fewer than those of the model where the file has our own names', async () => {
    const ours = await written({ 'head/kernel': counted([2, 4]), 'head/bias': counted([4]) });
    const report = await loadWeights(makeModel(), ours);
    expect(report).toMatchObject({ loaded: ['head/kernel', 'head/bias'], unexpected: [] });
    const model = functionModel({ variables: { 'head/bias': zeros([4]) }, losses: () => tf.scalar(0) });
    expect(await loadWeights(model, ours)).toMatchObject({ loaded: ['head/bias'], unexpected: ['head/kernel'] });
  });
});

describe('files that are no weights', () => {
  it.each<[string, string | Uint8Array, RegExp]>([
    ['a web page', '\n<!DOCTYPE html><html>404</html>', /HKL_WEIGHTS_FORMAT.* web page .*\/resolve\//],
    ['a pickle', Buffer.from('\x80\x02}q\x00X\x06\x00\x00\x00weight', 'latin1'), /pickle of Python.*save_file/s],
    ['a pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:4', /pointer of Git LFS.*git lfs pull/],
    ['a packed file', Buffer.from('\x1f\x8b\x08\0\0\0\0\0\0\0', 'latin1'), /it is compressed\. Unpack it/],
    ['an array', Buffer.from('\x93NUMPY\x01\0v\0{}', 'latin1'), /array of NumPy/],
    ['text', 'These are my weights', /no safetensors file, or its beginning is damaged/],
    ['JSON', '{"layers": [1, 2, 3, 4]}', /it is JSON, but lists no weights/],
    ['nothing', '', /HKL_CHECKPOINT_TRUNCATED.*0 of at least 9 bytes/],
  ])('%s is refused, and never run', async (_, content, message) => {
    const path = join(dir, 'x.safetensors');
    await writeFile(path, content);
    await expect(loadWeights(makeModel(), path)).rejects.toThrow(message);
  });

  it('a truncated or damaged file is refused', async () => {
    const path = await written(foreign());
    const bytes = encodeSafetensors(new Map(Object.entries(foreign())));
    for (const [size, message] of [
      [bytes.length - 3, /HKL_SAFETENSORS_INVALID.*cut off: \d+ of \d+ bytes/],
      [200, /HKL_CHECKPOINT_TRUNCATED/],
    ] as const) {
      await truncate(path, size);
      await expect(loadWeights(makeModel(), path)).rejects.toThrow(message);
    }
    await writeFile(path, Buffer.concat([bytes, Buffer.from('more')]));
    await expect(loadWeights(makeModel(), path)).rejects.toThrow(/it has 4 bytes more than its header describes/);
    const text = Buffer.from(bytes).toString('latin1').replace('[3,2,2,1]', '[3,2,2,2]');
    await writeFile(path, Buffer.from(text, 'latin1'));
    await expect(loadWeights(makeModel(), path)).rejects.toThrow(/its header is damaged: .*conv1.weight/);
    await expect(loadWeights(makeModel(), join(dir, 'none'))).rejects.toThrow(/HKL_CHECKPOINT_MISSING/);
  });
});
