/** An operation with its input shapes and output shape. */
export interface OpShapes {
  /** Name of the TensorFlow.js kernel, such as `Conv2D`. */
  readonly kernel: string;
  /** Input shapes by the kernel's input names, such as `x` and `filter`; for a list of inputs, by index. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly output: readonly number[];
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** Size of a filter without its last axis, the output channels. */
const perOutput = ({ inputs, output }: OpShapes): number =>
  sizeOf(output) * sizeOf((inputs['filter'] ?? []).slice(0, -1));

/** With a depthwise filter [h, w, channels, multiplier], each output uses one channel. */
const perChannel = ({ inputs, output }: OpShapes): number =>
  sizeOf(output) * sizeOf((inputs['filter'] ?? []).slice(0, 2));

/** In a transposed convolution, each input element passes through the filter once for every output channel. */
const perInput = ({ inputs }: OpShapes): number =>
  sizeOf(inputs['dy'] ?? []) * sizeOf((inputs['filter'] ?? []).slice(0, -1));

const product = ({ inputs, attributes, output }: OpShapes): number =>
  sizeOf(output) * ((inputs['a'] ?? []).at(attributes['transposeA'] === true ? -2 : -1) ?? 1);

/** Every combination of the letters is one product; a single operand needs none. */
function summation({ inputs, attributes }: OpShapes): number {
  const [terms = ''] = String(attributes['equation']).replaceAll(' ', '').split('->');
  const operands = terms.split(',');
  if (operands.length < 2) return 0;
  const sizes = new Map<string, number>();
  operands.forEach((letters, place) =>
    letters.split(/(?=[a-z])/i).forEach((letter, axis) => sizes.set(letter, inputs[String(place)]?.[axis] ?? 1)),
  );
  return sizeOf([...sizes.values()]);
}

const COUNTS: Readonly<Record<string, (op: OpShapes) => number>> = {
  Conv2D: perOutput,
  FusedConv2D: perOutput,
  Conv3D: perOutput,
  DepthwiseConv2dNative: perChannel,
  FusedDepthwiseConv2D: perChannel,
  Conv2DBackpropInput: perInput,
  Conv3DBackpropInputV2: perInput,
  BatchMatMul: product,
  _FusedMatMul: product,
  Einsum: summation,
};

/**
 * The number of multiply-adds of an operation, counted for convolutions and matrix products as is usual
 * in papers. Everything else, such as activations, sums and norms, counts as 0.
 */
export const multiplyAdds = (op: OpShapes): number =>
  Object.hasOwn(COUNTS, op.kernel) ? (COUNTS[op.kernel]?.(op) ?? 0) : 0;
