import tf from '#tfjs';
import { loadNativeBackend } from '../device/load-native.ts';
import { functionModel } from '../model/function-model.ts';
import { layersModel } from '../model/layers-model.ts';
import { expectSame, trainBoth, trainKind, type Trial } from './capture-fixture.test.support.ts';

beforeAll(async () => {
  await loadNativeBackend(true);
});
afterEach(() => tf.disposeVariables());

const sequences = (iteration: number, shape: number[]) => ({
  x: {
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, k) => Math.sin(iteration * 17 + k * 3)),
    shape,
  },
});
let seed = 0;
const init = () => tf.initializers.glorotUniform({ seed: ++seed });
const seeded = () => ({ kernelInitializer: init(), recurrentInitializer: init() });

/** A net of a stateful layer and a dense layer, for inputs of the given shape, such as [2, 4, 3]. */
function statefulNet(layer: () => tf.layers.Layer, shape: number[]): Trial {
  seed = 0;
  const net = tf.sequential();
  net.add(layer());
  net.add(tf.layers.dense({ units: 1, kernelInitializer: init() }));
  return {
    model: layersModel<{ x: tf.Tensor }>(net, { loss: (out) => out.sub(0.5).square().mean() }),
    batch: (iteration) => sequences(iteration, shape),
    onStep: (iteration) => {
      if (iteration === 8) net.resetStates();
    },
  };
}

const step = [2, 4, 3];
const stateful = { stateful: true, batchInputShape: step };
const LAYERS: [string, () => tf.layers.Layer, number[]][] = [
  ['LSTM', () => tf.layers.lstm({ units: 3, ...seeded(), ...stateful }), step],
  ['GRU', () => tf.layers.gru({ units: 3, ...seeded(), ...stateful }), step],
  ['simple RNN', () => tf.layers.simpleRNN({ units: 3, ...seeded(), ...stateful }), step],
  [
    'stacked cells',
    () =>
      tf.layers.rnn({
        cell: [tf.layers.lstmCell({ units: 2, ...seeded() }), tf.layers.gruCell({ units: 3, ...seeded() })],
        ...stateful,
      }),
    step,
  ],
];

describe('the state of recurrent layers', () => {
  it.each(LAYERS)('is not advanced by recording, is captured, and can be reset: %s', async (_, layer, shape) => {
    const captured = await trainBoth(() => statefulNet(layer, shape));
    // Without the state the losses would differ.
    const plain = await trainKind('eager', () => {
      const trial = statefulNet(layer, shape);
      const reset = (): void => {
        for (const variable of trial.model?.state().values() ?? []) variable.assign(tf.zeros(variable.shape));
      };
      return { ...trial, onStep: reset };
    });
    expect(captured.numbers[0]).toBeCloseTo(plain.numbers[0] as number, 6);
    expect(captured.numbers[3]).not.toBeCloseTo(plain.numbers[3] as number, 6);
  });

  it('is part of the model: a resumed training continues from it', async () => {
    const make = (onStep: Trial['onStep']) => () => ({ ...statefulNet(LAYERS[0]![1], step), onStep: onStep! });
    const saved = new Map<string, tf.Tensor>();
    const whole = await trainKind(
      'captured',
      make((iteration, { model, optimizer }) => {
        if (iteration !== 4) return;
        for (const [name, variable] of [...model.trainable(), ...model.state(), ...optimizer.slots()])
          saved.set(name, tf.tensor(variable.dataSync(), variable.shape));
      }),
      { steps: 8 },
    );
    const resumed = await trainKind(
      'captured',
      make((iteration, { model, optimizer }) => {
        if (iteration !== 4) return;
        for (const [name, variable] of [...model.trainable(), ...model.state(), ...optimizer.slots()])
          variable.assign(saved.get(name)!);
      }),
      { start: 4, steps: 4 },
    );
    expect(resumed.numbers).toEqual(whole.numbers.slice(4));
    expect([...saved.keys()].filter((name) => name.includes('state_'))).toHaveLength(2);
  });
});

type Kept = 'tensor' | 'count' | 'count in an object';

/** A custom layer that keeps its last input, or a count of its calls, in a field. */
class Keeping extends tf.layers.Layer {
  static className = 'Keeping';
  last: tf.Tensor | undefined;
  calls = 0;
  readonly counts = { calls: 0 };

  readonly what: Kept;

  constructor(what: Kept) {
    super({ inputShape: [3] });
    this.what = what;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const x = Array.isArray(inputs) ? (inputs[0] as tf.Tensor) : inputs;
      if (this.what === 'count') return x.mul(1 + this.calls++ * 0.1);
      if (this.what === 'count in an object') return x.mul(1 + this.counts.calls++ * 0.1);
      const out = this.last === undefined ? x.mul(1) : x.add(this.last);
      this.last?.dispose();
      this.last = tf.keep(x.clone());
      return out;
    });
  }
}

describe('the masks of recurrent dropout', () => {
  const dropping = { dropout: 0.3, recurrentDropout: 0.2 };
  it.each<[string, () => tf.layers.Layer]>([
    ['LSTM', () => tf.layers.lstm({ units: 3, ...seeded(), ...dropping, inputShape: [4, 3] })],
    ['stateful LSTM', () => tf.layers.lstm({ units: 3, ...seeded(), ...dropping, ...stateful })],
    ['GRU', () => tf.layers.gru({ units: 3, ...seeded(), ...dropping, inputShape: [4, 3] })],
    ['simple RNN', () => tf.layers.simpleRNN({ units: 3, ...seeded(), ...dropping, inputShape: [4, 3] })],
  ])('do not count as state, although the cell keeps them in a field: %s', async (_, layer) => {
    await trainBoth(() => ({ ...statefulNet(layer, step), onStep: () => undefined }));
  });
});

describe('a host value that a layer or a model keeps', () => {
  it.each<[Kept, string]>([
    ['tensor', 'last'],
    ['count', 'calls'],
    ['count in an object', 'counts.calls'],
  ])('is restored after recording, and the step runs eagerly: a %s', async (what, field) => {
    for (const isFunction of [false, true]) {
      const make = (): Trial => {
        seed = 0;
        const dense = tf.layers.dense({ units: 1, kernelInitializer: init() });
        const keeping = new Keeping(what);
        const net = tf.sequential({ layers: [keeping, dense] });
        const loss = (out: tf.Tensor) => out.square().mean() as tf.Scalar;
        const [kernel, bias] = dense.getWeights().map((_, i) => dense.weights[i]!.read() as unknown as tf.Variable);
        keeping.calls = 0;
        return {
          model: isFunction
            ? functionModel<{ x: tf.Tensor }>({
                variables: { kernel: kernel!, bias: bias! },
                losses: ({ x }) => loss(net.apply(x, { training: true }) as tf.Tensor),
              })
            : layersModel<{ x: tf.Tensor }>(net, { loss }),
        };
      };
      const auto = await trainKind('captured', make, { capture: 'auto', steps: 6 });
      expectSame(auto, await trainKind('eager', make, { steps: 6 }), 0);
      expect(auto.lines.join('\n')).toMatch(new RegExp(`keeping_.*keeps something .* in its field "${field}"`, 'i'));
    }
  });

  it('is restored in a model that counts its calls, too', async () => {
    const make = (): Trial => {
      const w = tf.variable(tf.tensor2d([1, 2, 3], [3, 1]));
      const base = functionModel<{ x: tf.Tensor2D }>({ variables: { w }, losses: () => tf.scalar(0) });
      return {
        model: Object.assign(base, {
          counter: 0,
          losses(this: { counter: number }, batch: unknown) {
            const { x } = batch as { x: tf.Tensor2D };
            return x
              .matMul(w as tf.Tensor2D)
              .mul(1 / ++this.counter)
              .square()
              .mean() as tf.Scalar;
          },
        }),
      };
    };
    const auto = await trainKind('captured', make, { capture: 'auto', steps: 6 });
    expectSame(auto, await trainKind('eager', make, { steps: 6 }), 0);
    expect(auto.lines.join('\n')).toContain('"model" keeps something from one step to the next in its field "counter"');
  });
});
