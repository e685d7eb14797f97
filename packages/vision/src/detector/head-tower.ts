import { tf } from '@hookline/tfjs';
import { batchNorm, conv, type Layer, sequence } from '../layers/layers.ts';
import type { Parameters } from '../layers/parameters.ts';

/** Shape of a tower. */
export interface TowerOptions {
  readonly convs: number;
  readonly channels: number;
  readonly strides: readonly number[];
}

/**
 * The 3x3 convolutions before a head's predictions, one layer per level. All levels share the convolutions; each has
 * batch norms of its own, since features of different scales have different statistics.
 */
export function headTower(parameters: Parameters, name: string, { convs, channels, strides }: TowerOptions): Layer[] {
  const shared = Array.from({ length: convs }, (_, place) =>
    conv(parameters, `${name}/conv${place + 1}`, { from: channels, to: channels }),
  );
  return strides.map((stride) =>
    sequence(
      ...shared.flatMap((layer, place) => [
        layer,
        batchNorm(parameters, `${name}/conv${place + 1}/norm${stride}`, channels),
        (x: tf.Tensor4D) => tf.relu(x),
      ]),
    ),
  );
}
