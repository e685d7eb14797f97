import type { HostTensor, HostTensorData } from '@hookline/core';
import type tf from '#tfjs';

const DTYPES = { float32: 'float32', int32: 'int32', bool: 'bool' } as const;

/**
 * The values of variables on the host, by name and bit for bit.
 *
 * @param prefix begins every name
 * @param isForLater whether they must stay what they are while the variables change; where a backend hands out the memory in
 * which a variable lives, they are such memory otherwise
 */
export async function snapshotVariables(
  variables: ReadonlyMap<string, tf.Variable>,
  prefix = '',
  isForLater = true,
): Promise<Map<string, HostTensor>> {
  const tensors = [...variables].map(
    async ([name, variable]) => [`${prefix}${name}`, await hostTensor(variable, isForLater)] as const,
  );
  return new Map(await Promise.all(tensors));
}

async function hostTensor(variable: tf.Variable, isForLater: boolean): Promise<HostTensor> {
  const { dtype, shape } = variable;
  const data = await variable.data();
  return {
    dtype: DTYPES[dtype as keyof typeof DTYPES],
    shape: [...shape],
    data: isForLater ? data.slice() : (data as HostTensorData),
  };
}
