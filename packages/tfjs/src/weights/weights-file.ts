import type { HostTensor } from '@hookline/core';

/** A layer in a Keras file. */
export interface FileLayer {
  readonly name: string;
  /** Its class and number among the layers of that class: `conv2d_1`, or `sequential/dense` in a nested model. */
  readonly place: string;
  /** The names of its tensors in the file, in Keras's order. */
  readonly tensors: readonly string[];
}

/** An open weights file of another program. It lists its tensors and reads them one at a time. */
export interface WeightsFile {
  /** The kind of file in words, such as `a Keras model`. */
  readonly kind: string;
  /** The dtype and shape of each tensor, by the names in the file. */
  readonly tensors: ReadonlyMap<string, Pick<HostTensor, 'dtype' | 'shape'>>;
  /** The layers of a Keras file that lists its tensors by layer; undefined for other files. */
  readonly layers?: readonly FileLayer[];
  /** True where the tensors are in the order of the layers of a Keras or tf.layers model. */
  readonly isOrdered?: boolean;
  /** Reads the tensor of this name. */
  read(name: string): Promise<HostTensor>;
  close(): Promise<void>;
}
