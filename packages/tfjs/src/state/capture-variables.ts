import type { HostTensor } from '@hookline/core';
import type * as tf from '@tensorflow/tfjs';

const DTYPES = { float32: 'float32', int32: 'int32', bool: 'bool' } as const;

/** The values of variables on the host, by name and bit for bit; `prefix` begins every name. */
export async function captureVariables(
  variables: ReadonlyMap<string, tf.Variable>,
  prefix = '',
): Promise<Map<string, HostTensor>> {
  const entries = [...variables];
  const data = await Promise.all(entries.map(([, variable]) => variable.data()));
  return new Map(
    entries.map(([name, { dtype, shape }], index) => [
      `${prefix}${name}`,
      // A copy: a backend may hand out the memory in which the variable lives.
      { dtype: DTYPES[dtype as keyof typeof DTYPES], shape: [...shape], data: data[index]!.slice() } as HostTensor,
    ]),
  );
}
