import type { HostTensor } from '@hookline/core';
import type tf from '#tfjs';

const DTYPES = { float32: 'float32', int32: 'int32', bool: 'bool' } as const;

/** The values of variables on the host, by name and bit for bit; `prefix` begins every name. */
export async function captureVariables(
  variables: ReadonlyMap<string, tf.Variable>,
  prefix = '',
): Promise<Map<string, HostTensor>> {
  const tensors = [...variables].map(
    async ([name, variable]) => [`${prefix}${name}`, await hostTensor(variable)] as const,
  );
  return new Map(await Promise.all(tensors));
}

async function hostTensor(variable: tf.Variable): Promise<HostTensor> {
  const { dtype, shape } = variable;
  const data = await variable.data();
  // A copy: a backend may hand out the memory in which the variable lives.
  return { dtype: DTYPES[dtype as keyof typeof DTYPES], shape: [...shape], data: data.slice() };
}
