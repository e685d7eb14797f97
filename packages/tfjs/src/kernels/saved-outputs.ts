import tf from '#tfjs';

interface TapeNode {
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
  readonly outputs: readonly tf.Tensor[];
}

/** The part of tfjs's engine that this file uses. */
interface TapeEngine {
  readonly state: { readonly activeTape: TapeNode[] | null };
  addTapeNode(...args: unknown[]): void;
}

/**
 * Corrects gradients of gradients for ops whose gradient uses their output, such as exp, sigmoid, tanh and softmax.
 *
 * tfjs saves a copy of the output for the backward pass, and records that copy on its tape before the op itself. A
 * second gradient walks the tape in order, finds no path from the input to the copy, and silently drops that term: the
 * second derivative of exp is missing, and that of x·sigmoid(x) is wrong. This function puts the op before its copies.
 */
export function connectSavedOutputs(): void {
  const engine = tf.engine() as unknown as TapeEngine;
  const addTapeNode = engine.addTapeNode.bind(engine);
  engine.addTapeNode = (...args) => {
    addTapeNode(...args);
    const tape = engine.state.activeTape;
    const node = tape?.at(-1);
    if (tape === null || node === undefined) return;
    const takes = ({ inputs }: TapeNode): boolean =>
      Object.values(inputs).some((input) => node.outputs.some((output) => output.id === input.id));
    let place = tape.length - 1;
    while (place > 0 && takes(tape[place - 1] as TapeNode)) place--;
    if (place === tape.length - 1) return;
    tape.pop();
    tape.splice(place, 0, node);
  };
}
