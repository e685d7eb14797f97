/**
 * The tensor types of the runtime in use. Core knows no tensor library; a runtime fills this interface by
 * module augmentation (`declare module '@hookline/core/tensor-types'`) with `tensor`, `scalar` and `variable`.
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- the point of it is to be augmented
export interface TensorTypes {}

/** The runtime's tensor; `unknown` until a runtime is imported. */
export type Tensor = TensorTypes extends { tensor: infer T } ? T : unknown;
/** The runtime's tensor of rank 0; `unknown` until a runtime is imported. */
export type ScalarTensor = TensorTypes extends { scalar: infer T } ? T : unknown;
/** The runtime's trainable or stateful variable; `unknown` until a runtime is imported. */
export type Variable = TensorTypes extends { variable: infer T } ? T : unknown;
