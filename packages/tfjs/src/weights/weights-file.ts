import type { HostTensor } from '@hookline/core';

/** A layer in a file of Keras. */
export interface FileLayer {
  readonly name: string;
  /** What it is called by its class and its place among those of the class: `conv2d_1`, or `sequential/dense` in a model. */
  readonly place: string;
  /** Its tensors by their names in the file, in Keras's order. */
  readonly tensors: readonly string[];
}

/** A file with weights of another program, open: what it holds, and its tensors one at a time. */
export interface WeightsFile {
  /** What it is, in words. */
  readonly kind: string;
  /** Type and shape by the names in the file. */
  readonly tensors: ReadonlyMap<string, Pick<HostTensor, 'dtype' | 'shape'>>;
  /** Where the file is one of Keras's or of tf.layers, whose layers it tells apart. */
  readonly layers?: readonly FileLayer[];
  /** Where the order of the tensors is that of the layers of such a model. */
  readonly isOrdered?: boolean;
  read(name: string): Promise<HostTensor>;
  close(): Promise<void>;
}
