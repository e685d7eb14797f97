import type { HostTensor, HostTensorData } from '@hookline/core';
import type tf from '#tfjs';

const DTYPES = { float32: 'float32', int32: 'int32', bool: 'bool' } as const;

/**
 * Returns exact copies of variables' values on the host, by name.
 *
 * @param prefix the prefix of every name
 * @param isForLater whether the values must stay the same while the variables change. If false, the result may share
 * memory with the variables on backends that expose it
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
