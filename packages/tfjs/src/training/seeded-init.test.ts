import { setImmediate as nextTurn } from 'node:timers/promises';
import { RandomStream } from '@hookline/core';
import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { seededInit } from './seeded-init.ts';

beforeAll(async () => {
  await selectDevice('auto');
});

const stream = (seed = 1) => new RandomStream(seed, 'init');
const weights = (): number[] => tf.tidy(() => [...tf.randomNormal([3]).dataSync()]);
const late = async (): Promise<number[]> => {
  await nextTurn();
  return weights();
};

it('gives the same initial weights for the same seed, and other weights for another seed', () => {
  expect(seededInit(stream(), weights)).toEqual(seededInit(stream(), weights));
  expect(seededInit(stream(2), weights)).not.toEqual(seededInit(stream(), weights));
});

it('covers the code after an await, even when builds overlap', async () => {
  const alone = await seededInit(stream(), late);
  const [first, second, third] = await Promise.all([
    seededInit(stream(), late),
    seededInit(stream(2), late),
    seededInit(stream(), late),
  ]);
  expect([first, third]).toEqual([alone, alone]);
  expect(second).not.toEqual(alone);
});

it('does not affect concurrent code, and restores everything, even after an error', async () => {
  const { random } = Math;
  const building = seededInit(stream(), late);
  expect(Math.random()).not.toBe(Math.random());
  const beside = weights();
  expect(await building).toEqual(await seededInit(stream(), late));
  expect(beside).not.toEqual(weights());
  expect(() =>
    seededInit(stream(), () => {
      throw new Error('on purpose');
    }),
  ).toThrow('on purpose');
  await expect(seededInit(stream(), () => Promise.reject(new Error('later')))).rejects.toThrow('later');
  expect(Math.random).toBe(random);
});
