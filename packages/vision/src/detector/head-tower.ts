import { tf } from '@hookline/tfjs';
import { batchNorm, conv, type Layer, sequence } from '../layers/layers.ts';
import type { Parameters } from '../layers/parameters.ts';

/** Options of {@link headTower}. */
export interface TowerOptions {
  readonly convs: number;
  readonly channels: number;
  readonly strides: readonly number[];
}

/**
 * The 3x3 convolutions before a head's predictions, as one layer for each level. The levels share the convolutions, but each has
 * its own batch norms, because features at different scales have different statistics.
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
