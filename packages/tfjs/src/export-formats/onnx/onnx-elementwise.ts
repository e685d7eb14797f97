import { OnnxType } from './onnx-graph.ts';
import type { OnnxOp, OnnxWriter } from './onnx-op.ts';

/** Ops with the same inputs and no attributes in ONNX, under the same or another name. */
const SAME: Readonly<Record<string, string>> = {
  ...{ Add: 'Add', AddV2: 'Add', BiasAdd: 'Add', AddN: 'Sum', Sub: 'Sub', Mul: 'Mul', RealDiv: 'Div', Div: 'Div' },
  ...{ Maximum: 'Max', Minimum: 'Min', Pow: 'Pow', Neg: 'Neg', Abs: 'Abs', Sign: 'Sign', Reciprocal: 'Reciprocal' },
  ...{ Relu: 'Relu', Sigmoid: 'Sigmoid', Tanh: 'Tanh', Elu: 'Elu', Selu: 'Selu', Softplus: 'Softplus' },
  ...{ Exp: 'Exp', Log: 'Log', Sqrt: 'Sqrt', Erf: 'Erf', Floor: 'Floor', Ceil: 'Ceil', Round: 'Round' },
  ...{ Sin: 'Sin', Cos: 'Cos', Tan: 'Tan', Asin: 'Asin', Acos: 'Acos', Atan: 'Atan' },
  ...{ Sinh: 'Sinh', Cosh: 'Cosh', Asinh: 'Asinh', Acosh: 'Acosh', Atanh: 'Atanh' },
  ...{ Greater: 'Greater', GreaterEqual: 'GreaterOrEqual', Less: 'Less', LessEqual: 'LessOrEqual', Equal: 'Equal' },
  ...{ LogicalAnd: 'And', LogicalOr: 'Or', LogicalNot: 'Not', IsNan: 'IsNaN', IsInf: 'IsInf' },
  ...{ Identity: 'Identity', Snapshot: 'Identity', SelectV2: 'Where' },
};

const to = (op: OnnxOp, name: string, type: number): string => op.graph.node('Cast', [name], { to: type });

/**
 * Reductions along axes that are constants in the graph. In this version, ONNX takes the axes of a sum as an input,
 * others as an attribute.
 */
const reduce =
  (name: string): OnnxWriter =>
  (op) => {
    const axes = op.numbers(1);
    const keepdims = op.attribute('keep_dims', false) ? 1 : 0;
    if (axes.length === 0) op.graph.node('Identity', [op.input(0)], {}, op.output);
    else if (name === 'ReduceSum') op.graph.node(name, [op.input(0), op.graph.longs(axes)], { keepdims }, op.output);
    else op.graph.node(name, [op.input(0)], { axes, keepdims }, op.output);
  };

/** Whether any, or all, of some booleans are true: the maximum, or the minimum, of them as numbers. */
const reduceBooleans =
  (name: string): OnnxWriter =>
  (op) => {
    const keepdims = op.attribute('keep_dims', false) ? 1 : 0;
    const numbers = to(op, op.input(0), OnnxType.int32);
    const found = op.graph.node(name, [numbers], { axes: op.numbers(1), keepdims });
    op.graph.node('Cast', [found], { to: OnnxType.bool }, op.output);
  };

const best =
  (name: string): OnnxWriter =>
  (op) => {
    const [axis = 0] = op.numbers(1);
    const place = op.graph.node(name, [op.input(0)], { axis, keepdims: 0 });
    op.graph.node('Cast', [place], { to: op.outputType() }, op.output);
  };

/** Arithmetic, comparisons and reductions. */
export const ELEMENTWISE: Readonly<Record<string, OnnxWriter>> = {
  ...Object.fromEntries(
    Object.entries(SAME).map(([name, onnx]): [string, OnnxWriter] => [
      name,
      (op) => void op.graph.node(onnx, op.inputs, {}, op.output),
    ]),
  ),
  Square: (op) => void op.graph.node('Mul', [op.input(0), op.input(0)], {}, op.output),
  SquaredDifference: (op) => {
    const difference = op.graph.node('Sub', op.inputs);
    op.graph.node('Mul', [difference, difference], {}, op.output);
  },
  Rsqrt: (op) => void op.graph.node('Reciprocal', [op.graph.node('Sqrt', op.inputs)], {}, op.output),
  Log1p: (op) => void op.graph.node('Log', [op.graph.node('Add', [op.input(0), op.graph.float(1)])], {}, op.output),
  Expm1: (op) => void op.graph.node('Sub', [op.graph.node('Exp', op.inputs), op.graph.float(1)], {}, op.output),
  Relu6: (op) => void op.graph.node('Clip', [op.input(0), op.graph.float(0), op.graph.float(6)], {}, op.output),
  LeakyRelu: (op) =>
    void op.graph.node('LeakyRelu', op.inputs, { alpha: { float: op.attribute('alpha', 0.2) } }, op.output),
  Softmax: (op) => void op.graph.node('Softmax', op.inputs, { axis: -1 }, op.output),
  LogSoftmax: (op) => void op.graph.node('LogSoftmax', op.inputs, { axis: -1 }, op.output),
  FloorDiv: (op) => {
    // Integer division truncates towards zero in ONNX, so divide as floats and take the floor.
    const [a = '', b = ''] = op.inputs.map((each) => (op.type(0) === OnnxType.float32 ? each : to(op, each, 1)));
    const floor = op.graph.node('Floor', [op.graph.node('Div', [a, b])]);
    op.graph.node('Cast', [floor], { to: op.outputType() }, op.output);
  },
  FloorMod: (op) => {
    if (op.type(0) !== OnnxType.float32) return void op.graph.node('Mod', op.inputs, {}, op.output);
    // For floats, ONNX has only the remainder with the sign of the dividend.
    const b = op.input(1);
    const first = op.graph.node('Mod', op.inputs, { fmod: 1 });
    op.graph.node('Mod', [op.graph.node('Add', [first, b]), b], { fmod: 1 }, op.output);
    return undefined;
  },
  NotEqual: (op) => void op.graph.node('Not', [op.graph.node('Equal', op.inputs)], {}, op.output),
  LogicalXor: (op) => void op.graph.node('Xor', op.inputs, {}, op.output),
  Select: (op) => {
    if (op.shape(0).length !== op.shape(1).length) throw op.refuse('chooses whole rows');
    op.graph.node('Where', op.inputs, {}, op.output);
  },
  ZerosLike: (op) => {
    const zero = op.graph.node('Cast', [op.graph.longs([0], [])], { to: op.outputType() });
    op.graph.node('Expand', [zero, op.graph.node('Shape', [op.input(0)])], {}, op.output);
  },
  Cast: (op) => void op.graph.node('Cast', [op.input(0)], { to: op.outputType() }, op.output),
  ...{ Mean: reduce('ReduceMean'), Sum: reduce('ReduceSum'), Prod: reduce('ReduceProd') },
  ...{ Max: reduce('ReduceMax'), Min: reduce('ReduceMin') },
  ...{ Any: reduceBooleans('ReduceMax'), All: reduceBooleans('ReduceMin') },
  ...{ ArgMax: best('ArgMax'), ArgMin: best('ArgMin') },
  Cumsum: (op) => {
    const [axis = 0] = op.numbers(1);
    const flags = { exclusive: op.attribute('exclusive', false), reverse: op.attribute('reverse', false) };
    const attributes = { exclusive: Number(flags.exclusive), reverse: Number(flags.reverse) };
    op.graph.node('CumSum', [op.input(0), op.graph.longs([axis], [])], attributes, op.output);
  },
  MatMul: (op) => {
    const turned = (place: number, name: string): string =>
      op.attribute(name, false) ? op.graph.node('Transpose', [op.input(place)], { perm: [1, 0] }) : op.input(place);
    op.graph.node('MatMul', [turned(0, 'transpose_a'), turned(1, 'transpose_b')], {}, op.output);
  },
  Einsum: (op) => void op.graph.node('Einsum', op.inputs, { equation: op.attribute('equation', '') }, op.output),
  ...{ BatchMatMul: batchMatMul, BatchMatMulV2: batchMatMul },
};

function batchMatMul(op: OnnxOp): void {
  const turned = (place: number, name: string): string => {
    if (!op.attribute(name, false)) return op.input(place);
    const axes = op.shape(place).map((_, axis) => axis);
    return op.graph.node('Transpose', [op.input(place)], { perm: [...axes.slice(0, -2), ...axes.slice(-2).reverse()] });
  };
  op.graph.node('MatMul', [turned(0, 'adj_x'), turned(1, 'adj_y')], {}, op.output);
}
