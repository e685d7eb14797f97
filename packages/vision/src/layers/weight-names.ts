import type { ForeignWeight, tf, WeightTable } from '@hookline/tfjs';

/** The name of each kind of variable in PyTorch, and the layout of its axes there. */
const KINDS: Readonly<Record<string, readonly [name: string, layout: ForeignWeight['layout']]>> = {
  kernel: ['weight', 'convolution'],
  depthwise_kernel: ['weight', 'depthwise'],
  bias: ['bias', 'same'],
  gamma: ['weight', 'same'],
  beta: ['bias', 'same'],
  moving_mean: ['running_mean', 'same'],
  moving_variance: ['running_var', 'same'],
};

/**
 * Makes the weight table of a network whose variables are named as in torchvision, with `/` in place of `.` and a prefix for the part
 * of the model: `backbone/layer1/0/bn1/gamma` stands for `layer1.0.bn1.weight`.
 *
 * @param variables the model's variables by name
 * @param parts prefixes of the names that belong to the network
 */
export function torchNames(variables: ReadonlyMap<string, tf.Variable>, parts: readonly string[]): WeightTable {
  const table: Record<string, ForeignWeight> = {};
  for (const [ours, { rank }] of variables) {
    const [part = '', ...path] = ours.split('/');
    const kind = KINDS[path.pop() ?? ''];
    if (!parts.includes(part) || kind === undefined) continue;
    const [name, layout] = kind;
    table[ours] = { name: [...path, name].join('.'), layout: rank === 2 ? 'linear' : layout };
  }
  return table;
}
