/** What one operation is given, and the shape of what it gives. */
export interface OpShapes {
  /** The name of tfjs's kernel, such as `Conv2D`. */
  readonly kernel: string;
  /** Shapes by the kernel's names of its inputs, such as `x` and `filter`; those of a list by their places. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly output: readonly number[];
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** A filter's size without its last axis, which is that of the output's channels. */
const perOutput = ({ inputs, output }: OpShapes): number =>
  sizeOf(output) * sizeOf((inputs['filter'] ?? []).slice(0, -1));

/** Of a depthwise filter [h, w, channels, multiplier] each output takes one channel. */
const perChannel = ({ inputs, output }: OpShapes): number =>
  sizeOf(output) * sizeOf((inputs['filter'] ?? []).slice(0, 2));

/** Each element that a transposed convolution is given goes through the filter once, for every channel of its output. */
const perInput = ({ inputs }: OpShapes): number =>
  sizeOf(inputs['dy'] ?? []) * sizeOf((inputs['filter'] ?? []).slice(0, -1));

const product = ({ inputs, attributes, output }: OpShapes): number =>
  sizeOf(output) * ((inputs['a'] ?? []).at(attributes['transposeA'] === true ? -2 : -1) ?? 1);

/** Every combination of the letters is one product; only a single operand needs none. */
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
 * How many multiplications with an addition each an operation takes: those of convolutions and of products of matrices, as they are counted
 * in papers. Everything else, such as activations, sums and norms, counts for none.
 */
export const multiplyAdds = (op: OpShapes): number =>
  Object.hasOwn(COUNTS, op.kernel) ? (COUNTS[op.kernel]?.(op) ?? 0) : 0;
