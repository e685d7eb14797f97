import { OnnxType } from './onnx-graph.ts';
import type { OnnxOp, OnnxWriter } from './onnx-op.ts';

/** A limit beyond the end of any axis. */
const END = 2 ** 31;

/** Ops that move, slice or combine values. */
export const SHAPES: Readonly<Record<string, OnnxWriter>> = {
  Reshape: (op) => void op.graph.node('Reshape', [op.input(0), op.longs(1)], {}, op.output),
  ExpandDims: (op) => void op.graph.node('Unsqueeze', [op.input(0), op.graph.longs(op.numbers(1))], {}, op.output),
  Squeeze: (op) => {
    const axes = op.attribute('squeeze_dims', []);
    op.graph.node('Squeeze', [op.input(0), ...(axes.length === 0 ? [] : [op.graph.longs(axes)])], {}, op.output);
  },
  Tile: (op) => void op.graph.node('Tile', [op.input(0), op.longs(1)], {}, op.output),
  BroadcastTo: (op) => void op.graph.node('Expand', [op.input(0), op.longs(1)], {}, op.output),
  Transpose: (op) => void op.graph.node('Transpose', [op.input(0)], { perm: op.numbers(1) }, op.output),
  Shape: (op) => void op.graph.node('Cast', [op.graph.node('Shape', op.inputs)], { to: op.outputType() }, op.output),
  Fill: (op) => void op.graph.node('Expand', [op.input(1), op.longs(0)], {}, op.output),
  Range: (op) => void op.graph.node('Range', op.inputs, {}, op.output),
  Pack: (op) => {
    const axis = op.attribute('axis', 0);
    const parts = op.inputs.map((input) => op.graph.node('Unsqueeze', [input, op.graph.longs([axis])]));
    op.graph.node('Concat', parts, { axis }, op.output);
  },
  Unpack: (op) => {
    const axis = op.attribute('axis', 0);
    const parts = op.outputs.map(() => op.graph.fresh('part'));
    op.graph.node('Split', [op.input(0)], { axis }, parts);
    parts.forEach((part, place) => {
      op.graph.node('Squeeze', [part, op.graph.longs([axis])], {}, op.outputs.slice(place, place + 1));
    });
  },
  ConcatV2: (op) => {
    const [axis = 0] = op.numbers(op.inputs.length - 1);
    op.graph.node('Concat', op.inputs.slice(0, -1), { axis }, op.output);
  },
  SplitV: (op) => {
    const [axis = 0] = op.numbers(2);
    op.graph.node('Split', [op.input(0), op.graph.longs(op.numbers(1))], { axis }, op.outputs);
  },
  Slice: (op) => {
    const [begin, size] = [op.numbers(1), op.numbersIfKnown(2)];
    const ends =
      size === undefined
        ? op.graph.node('Add', [op.graph.longs(begin), op.longs(2)])
        : op.graph.longs(size.map((each, axis) => (each === -1 ? END : (begin[axis] as number) + each)));
    op.graph.node('Slice', [op.input(0), op.graph.longs(begin), ends], {}, op.output);
  },
  StridedSlice: stridedSlice,
  ReverseV2: (op) => {
    const axes = op.numbers(1);
    const all = (value: number): string => op.graph.longs(axes.map(() => value));
    op.graph.node('Slice', [op.input(0), all(-1), all(-END), op.graph.longs(axes), all(-1)], {}, op.output);
  },
  PadV2: (op) => void op.graph.node('Pad', [op.input(0), pads(op), op.input(2)], { mode: 'constant' }, op.output),
  MirrorPad: (op) => {
    if (op.attribute('mode', 'REFLECT') !== 'REFLECT') throw op.refuse('pads with the edge twice');
    op.graph.node('Pad', [op.input(0), pads(op)], { mode: 'reflect' }, op.output);
  },
  GatherV2: (op) => {
    if (op.attribute('batch_dims', 0) !== 0) throw op.refuse('gathers within each item of the batch');
    const [axis = 0] = op.numbers(2);
    op.graph.node('Gather', [op.input(0), op.input(1)], { axis }, op.output);
  },
  GatherNd: (op) => {
    const indices = op.graph.node('Cast', [op.input(1)], { to: OnnxType.int64 });
    op.graph.node('GatherND', [op.input(0), indices], {}, op.output);
  },
  ScatterNd: (op) => {
    // Several updates for the same index are added.
    const zero = op.graph.node('Cast', [op.graph.longs([0], [])], { to: op.outputType() });
    const zeros = op.graph.node('Expand', [zero, op.longs(2)]);
    const indices = op.graph.node('Cast', [op.input(0)], { to: OnnxType.int64 });
    op.graph.node('ScatterND', [zeros, indices, op.input(1)], { reduction: 'add' }, op.output);
  },
  OneHot: (op) => {
    const one = op.graph.longs([1]);
    const list = (place: number, to: number): string =>
      op.graph.node('Reshape', [op.graph.node('Cast', [op.input(place)], { to }), one]);
    const type = OnnxType.float32;
    const values = op.graph.node('Concat', [list(3, type), list(2, type)], { axis: 0 });
    const indices = op.graph.node('Cast', [op.input(0)], { to: OnnxType.int64 });
    const hot = op.graph.node('OneHot', [indices, list(1, OnnxType.int64), values], { axis: op.attribute('axis', -1) });
    op.graph.node('Cast', [hot], { to: op.outputType() }, op.output);
  },
  TopKV2: (op) => {
    const places = op.graph.fresh('places');
    op.graph.node('TopK', [op.input(0), op.graph.longs(op.numbers(1), [1])], {}, [...op.output, places]);
    op.graph.node('Cast', [places], { to: op.outputType(1) }, op.outputs.slice(1));
  },
};

/** TensorFlow lists both ends of each axis; ONNX lists all beginnings first. */
function pads(op: OnnxOp): string {
  const all = op.numbers(1);
  return op.graph.longs([0, 1].flatMap((end) => all.filter((_, place) => place % 2 === end)));
}

function stridedSlice(op: OnnxOp): void {
  const [begins, ends, steps] = [op.numbers(1), op.numbersIfKnown(2), op.numbers(3)];
  const bit = (mask: string, axis: number): boolean => ((op.attribute(mask, 0) >> axis) & 1) === 1;
  if (op.attribute('ellipsis_mask', 0) !== 0 || op.attribute('new_axis_mask', 0) !== 0)
    throw op.refuse('has an ellipsis or new axes');
  const axes = begins.map((_, axis) => axis);
  const step = (axis: number): number => steps[axis] as number;
  const starts = axes.map((axis) => (bit('begin_mask', axis) ? (step(axis) > 0 ? 0 : END) : (begins[axis] as number)));
  const dropped = axes.filter((axis) => bit('shrink_axis_mask', axis));
  const stops = axes.map((axis) => {
    const start = starts[axis] as number;
    // The last index, -1, ends at the end of the axis.
    if (dropped.includes(axis)) return start === -1 ? END : start + 1;
    if (bit('end_mask', axis)) return step(axis) > 0 ? END : -END;
    return ends?.[axis];
  });
  const known = stops.filter((stop) => stop !== undefined);
  const stop =
    known.length === stops.length
      ? op.graph.longs(known)
      : op.graph.node('Cast', [op.input(2)], { to: OnnxType.int64 });
  if (known.length !== stops.length && (dropped.length > 0 || op.attribute('end_mask', 0) !== 0))
    throw op.refuse('ends where the graph computes, and drops an axis');
  const inputs = [op.input(0), op.graph.longs(starts), stop, op.graph.longs(axes), op.graph.longs(steps)];
  if (dropped.length === 0) return void op.graph.node('Slice', inputs, {}, op.output);
  op.graph.node('Squeeze', [op.graph.node('Slice', inputs), op.graph.longs(dropped)], {}, op.output);
}
