import { Replacements, pruneAndSort } from '../graph-edit.ts';
import {
  makeNode,
  specOf,
  typeAttribute,
  valueOf,
  type GraphRecord,
  type RecordNode,
  type ValueRef,
} from '../graph-record.ts';
import { rankOf } from '../match-values.ts';
import { DataType } from '../../device/native-backend.ts';
import type { GraphPass } from './graph-pass.ts';

/** Ops that spend their time on products. They always run in the half type. */
const ALLOWED = new Set([
  ...['Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter', 'MatMul', 'BatchMatMulV2'],
  ...['DepthwiseConv2dNative', 'DepthwiseConv2dNativeBackpropInput', 'DepthwiseConv2dNativeBackpropFilter'],
]);

/**
 * Ops that lose no precision that matters. They run in the half type if their inputs, except vectors such as biases, are
 * in it already.
 */
const FOLLOWING = new Set([
  ...['Relu', 'Relu6', 'ReluGrad', 'Relu6Grad', 'MaxPool', 'MaxPoolGrad', 'AvgPool', 'Reshape', 'Transpose'],
  ...['BiasAdd', 'Add', 'AddV2', 'Identity', 'Pad', 'PadV2', 'FusedBatchNormV3', 'FusedBatchNormGradV3'],
]);

/** For ops of which only some inputs and outputs change their type: those that do. Statistics stay float32. */
const CHANGING = new Map([
  ['FusedBatchNormV3', { inputs: [0], outputs: [0] }],
  ['FusedBatchNormGradV3', { inputs: [0, 1], outputs: [0] }],
]);

/**
 * Mixed precision: casts to a half type around the ops that gain from it. Variables, sums of gradients, normalisation,
 * losses and updates stay float32.
 */
export const mixedPrecision: GraphPass = {
  name: 'mixed-precision',
  run(record, { precision }) {
    if (precision === 'float32') return;
    new Lowering(record, precision === 'float16' ? DataType.float16 : DataType.bfloat16).run();
  },
};

class Lowering {
  readonly #record: GraphRecord;
  readonly #half: number;
  readonly #halves = new Map<RecordNode, Map<number, ValueRef>>();
  readonly #restored = new Replacements();

  constructor(record: GraphRecord, half: number) {
    this.#record = record;
    this.#half = half;
  }

  run(): void {
    pruneAndSort(this.#record);
    for (const node of [...this.#record.nodes]) {
      if (node.attributes.get('T')?.value !== DataType.float32) continue;
      const isLowered =
        ALLOWED.has(node.op) ||
        (FOLLOWING.has(node.op) &&
          floatInputs(node).every((input) => this.#find(input) !== undefined || rankOf(input) === 1));
      if (isLowered) this.#lower(node);
    }
    this.#restored.apply(this.#record);
  }

  #lower(node: RecordNode): void {
    const lowered = makeNode(
      node.op,
      node.inputs.map((input, index) =>
        isChanging(node, 'inputs', index) && isFloat(input) ? this.#toHalf(input) : input,
      ),
      node.outputs.map((spec, index) =>
        isChanging(node, 'outputs', index) && spec.dtype === DataType.float32 ? { ...spec, dtype: this.#half } : spec,
      ),
      {
        origin: node.origin,
        attributes: new Map([...node.attributes, ['T', typeAttribute(this.#half)]]),
        controls: node.controls,
      },
    );
    node.outputs.forEach((spec, index) => {
      if (spec.dtype !== DataType.float32 || !isChanging(node, 'outputs', index)) {
        this.#restored.set(valueOf(node, index), valueOf(lowered, index));
        return;
      }
      this.#keep(valueOf(node, index), valueOf(lowered, index));
      this.#restored.set(valueOf(node, index), this.#cast(valueOf(lowered, index), DataType.float32));
    });
  }

  #toHalf(value: ValueRef): ValueRef {
    const known = this.#find(value);
    if (known !== undefined) return known;
    const half = this.#cast(value, this.#half);
    this.#keep(value, half);
    return half;
  }

  #cast(value: ValueRef, dtype: number): ValueRef {
    const { shape, dtype: from } = specOf(value);
    const attributes = new Map([
      ['SrcT', typeAttribute(from)],
      ['DstT', typeAttribute(dtype)],
    ]);
    return valueOf(makeNode('Cast', [value], [{ shape, dtype }], { origin: value.node.origin, attributes }));
  }

  #find({ node, index }: ValueRef): ValueRef | undefined {
    return this.#halves.get(node)?.get(index);
  }

  #keep({ node, index }: ValueRef, half: ValueRef): void {
    const halves = this.#halves.get(node) ?? new Map<number, ValueRef>();
    halves.set(index, half);
    this.#halves.set(node, halves);
  }
}

const isChanging = ({ op }: RecordNode, ends: 'inputs' | 'outputs', index: number): boolean =>
  CHANGING.get(op)?.[ends].includes(index) ?? true;

const floatInputs = (node: RecordNode): ValueRef[] =>
  node.inputs.filter((input, index) => isFloat(input) && isChanging(node, 'inputs', index));

const isFloat = (value: ValueRef): boolean => specOf(value).dtype === DataType.float32;
