import type { HostTensor } from '@hookline/core';
import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { snapshotVariables } from './snapshot-variables.ts';
import { groupNames, restoreVariables } from './restore-variables.ts';

beforeAll(async () => {
  await selectDevice('auto');
});

const variables = (): Map<string, tf.Variable> =>
  new Map([
    ['fc/kernel', tf.variable(tf.tensor([[1, 2]]))],
    ['fc/bias', tf.variable(tf.tensor([3]))],
    ['steps', tf.variable(tf.scalar(4, 'int32'), false)],
  ]);

const values = (of: ReadonlyMap<string, tf.Variable>): number[][] =>
  [...of.values()].map((each) => [...each.dataSync()]);
const host = (data: Float32Array<ArrayBuffer>, shape: number[]): HostTensor => ({ dtype: 'float32', shape, data });

it('restores every bit, even of unusual values', async () => {
  const bits = Uint32Array.of(0x7fc00001, 0x80000000, 0x00000001, 0xff800000, 0x3f800001);
  const odd = new Map([['odd', tf.variable(tf.tensor(new Float32Array(bits.buffer)))]]);
  const captured = await snapshotVariables(odd, 'model/');
  expect([...captured.keys()]).toEqual(['model/odd']);
  const other = new Map([['odd', tf.variable(tf.zeros([5]))]]);
  restoreVariables(other, captured, { strict: true, prefix: 'model/', checkFinite: false });
  expect([...new Uint32Array(other.get('odd')!.dataSync().slice().buffer)]).toEqual([...bits]);
});

it('refuses NaN, and infinity in trainable variables; a mask may contain it', () => {
  const tensor = (value: number) =>
    new Map([['a', { dtype: 'float32' as const, shape: [2], data: Float32Array.of(1, value) }]]);
  const into = (trainable: boolean) => new Map([['a', tf.variable(tf.zeros([2]), trainable)]]);
  for (const [value, trainable] of [
    [Number.NaN, true],
    [Number.NaN, false],
    [-Infinity, true],
  ] as const) {
    const to = into(trainable);
    expect(() => restoreVariables(to, tensor(value), { strict: false })).toThrow(/HKL_STATE_NOT_FINITE.* a \(1 of 2\)/);
    expect(values(to)).toEqual([[0, 0]]);
  }
  const mask = into(false);
  restoreVariables(mask, tensor(-Infinity), { strict: true });
  expect(values(mask)).toEqual([[1, -Infinity]]);
});

it('captures values that later updates do not change, and restores values that the caller may change', async () => {
  const from = variables();
  const captured = await snapshotVariables(from);
  from.get('fc/bias')!.assign(tf.tensor([99]));
  expect([...captured.get('fc/bias')!.data]).toEqual([3]);
  expect(captured.get('steps')).toMatchObject({ dtype: 'int32', shape: [] });

  const to = variables();
  restoreVariables(to, captured, { strict: true });
  (captured.get('fc/bias')!.data as Float32Array)[0] = 55;
  expect(values(to)).toEqual([[1, 2], [3], [4]]);
});

it('looks only at tensors with its prefix', async () => {
  const to = variables();
  const tensors = await snapshotVariables(to, 'model/');
  tensors.set('optimizer/momentum', host(Float32Array.of(1), [1]));
  expect(restoreVariables(to, tensors, { strict: true, prefix: 'model/' })).toMatchObject({
    unexpected: [],
    warnings: [],
  });
});

it('loads what fits when it is not strict, and reports the rest', () => {
  const to = variables();
  const tensors = new Map([
    ['fc/kernel', host(Float32Array.of(7, 8, 9), [1, 3])],
    ['fc/bias', host(Float32Array.of(6), [1])],
    ['head/kernel', host(Float32Array.of(6), [1])],
    ['head/bias', host(Float32Array.of(6), [1])],
  ]);
  const report = restoreVariables(to, tensors, { strict: false });
  expect(values(to)).toEqual([[1, 2], [6], [4]]);
  expect(report).toEqual({
    loaded: ['fc/bias'],
    missing: ['steps'],
    unexpected: ['head/kernel', 'head/bias'],
    mismatched: [{ name: 'fc/kernel', found: 'float32 [1, 3]', wanted: 'float32 [1, 2]' }],
    warnings: [
      'fc/kernel is float32 [1, 3] in the checkpoint but float32 [1, 2] in the model',
      'not in the checkpoint: steps',
      'not in the model: head/{bias, kernel}',
    ],
  });
});

it.each<[string, [string, HostTensor][], string]>([
  ['a shape', [['fc/kernel', host(Float32Array.of(7, 8), [2])]], 'fc/kernel is float32 [2] in the checkpoint'],
  [
    'a type',
    [['steps', host(Float32Array.of(1), [])]],
    'steps is float32 [] in the checkpoint but int32 [] in the model',
  ],
  ['a name', [['other', host(Float32Array.of(1), [])]], 'not in the model: other'],
])('refuses everything in strict mode when %s does not fit', async (_, changes, message) => {
  const to = variables();
  const from = variables();
  from.get('fc/bias')!.assign(tf.tensor([100]));
  const tensors = new Map([...(await snapshotVariables(from)), ...changes]);
  const before = tf.memory().numTensors;
  expect(() => restoreVariables(to, tensors, { strict: true, source: 'last.ckpt' })).toThrow(message);
  expect(() => restoreVariables(to, tensors, { strict: true, source: 'last.ckpt' })).toThrow(
    /^\[HKL_STATE_MISMATCH\] last\.ckpt: /,
  );
  expect(values(to)).toEqual([[1, 2], [3], [4]]);
  expect(tf.memory().numTensors).toBe(before);
});

it('names the first tensors of another shape in its error, and the number of further ones', async () => {
  const shapes = (width: number) =>
    new Map(Array.from({ length: 9 }, (_, place) => [`layer${place}`, tf.variable(tf.zeros([width]))] as const));
  const tensors = await snapshotVariables(shapes(3));
  expect(() =>
    restoreVariables(shapes(2), new Map([...tensors, ['extra', host(Float32Array.of(1), [])]]), { strict: true }),
  ).toThrow(
    /layer0 is .*; layer1 is .*; layer2 is float32 \[3\] in the checkpoint but float32 \[2\] in the model; and so on, 6 more; not in the model: extra\. /,
  );
});

it('groups names by their prefix', () => {
  expect(groupNames(['b/y', 'a/k', 'x', 'a/b', 'a/c/w', 'z'])).toBe('a/{b, k}, a/c/w, b/y, x, z');
});
