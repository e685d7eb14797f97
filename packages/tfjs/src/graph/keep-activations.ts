import { pruneAndSort } from './graph-edit.ts';
import { makeNode, specOf, typeAttribute, valueOf, type GraphRecord } from './graph-record.ts';

/** Activations that TensorFlow fuses with the product, the sum or the normalisation before them. */
const FUSED = new Set(['Relu', 'Relu6', 'Elu', 'LeakyRelu', 'Tanh', 'Sigmoid']);

/**
 * Keeps TensorFlow from fusing activations with what is before them. oneDNN's fused ops turn NaN into 0 where the
 * activation alone keeps it: the loss of a step that has computed NaN would be finite, and the check of the step would not see it.
 *
 * `EnsureShape` hands its input on without a copy, and no pass of TensorFlow looks through it.
 */
export function keepActivations(record: GraphRecord): void {
  for (const node of [...record.nodes]) {
    const [input] = node.inputs;
    if (!FUSED.has(node.op) || input === undefined) continue;
    const spec = specOf(input);
    const barrier = makeNode('EnsureShape', [input], [spec], {
      origin: node.origin,
      attributes: new Map([
        ['T', typeAttribute(spec.dtype)],
        ['shape', { kind: 'shape', value: spec.shape }],
      ]),
    });
    record.nodes.push(barrier);
    node.inputs[0] = valueOf(barrier);
  }
  pruneAndSort(record);
}
