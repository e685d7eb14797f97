import { modelVariables, type tf, type TrainableModel } from '@hookline/tfjs';

/** Reads variables again and returns the name of one that has changed since it was remembered, or undefined. */
export type Again = (model: TrainableModel) => Promise<string | undefined>;

/** Reads variables, to check later whether they have changed. */
export async function remember(model: TrainableModel, names: readonly string[]): Promise<Again> {
  const before = await read(model, names);
  return async (later) => {
    const after = await read(later, names);
    return names.find((_, place) => !sameBits(before[place] as Uint8Array, after[place] as Uint8Array));
  };
}

function read(model: TrainableModel, names: readonly string[]): Promise<Uint8Array[]> {
  const variables = modelVariables(model);
  return Promise.all(
    names.map(async (name) => {
      const { buffer, byteOffset, byteLength } = await (variables.get(name) as tf.Variable).data();
      return new Uint8Array(buffer, byteOffset, byteLength).slice();
    }),
  );
}

const sameBits = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
