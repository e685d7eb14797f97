import tf from '#tfjs';
import { loadNativeBackend } from '../device/load-native.ts';
import { compareRecords } from '../recording/compare-records.ts';
import { gateEffects, guardEffects, orderEffects } from '../graph/effects.ts';
import type { GraphRecord } from '../graph/graph-record.ts';
import { GraphSession } from './graph-session.ts';
import { asNativeBackend, handleOf, type NativeBackend } from '../device/native-backend.ts';
import { Recorder } from '../recording/recorder.ts';
import { ResidentVariables } from './resident-variables.ts';

let backend: NativeBackend;

beforeAll(async () => {
  await loadNativeBackend(true);
  const native = asNativeBackend(tf.backend());
  if (native === undefined) throw new Error('these tests need the native backend');
  backend = native;
});

afterEach(() => tf.disposeVariables());

function record(inputs: Map<string, tf.Tensor>, step: () => tf.Scalar): GraphRecord {
  const recorder = new Recorder(backend);
  const variables = new Map(Object.entries(tf.engine().registeredVariables));
  const before = [...variables.values()].map((variable) => variable.clone());
  try {
    return tf.tidy(() => {
      recorder.start({ inputs, variables });
      const loss = step();
      return recorder.finish(new Map([['loss', loss]]), loss) as unknown as tf.TensorContainer;
    }) as unknown as GraphRecord;
  } finally {
    recorder.stop();
    [...variables.values()].forEach((variable, i) => {
      variable.assign(before[i] as tf.Tensor);
      before[i]?.dispose();
    });
  }
}

/** A linear model with hand-written momentum. */
function linear() {
  const w = tf.variable(tf.tensor2d([1, -2, 3, 0.5], [4, 1]), true, 'w');
  const m = tf.variable(tf.zeros([4, 1]), false, 'm');
  const x = tf.tensor2d([1, 2, 3, 4, -1, 0.5, 0.25, 2], [2, 4]);
  const step = () =>
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(() => x.matMul(w).square().mean<tf.Scalar>(), [w]);
      m.assign(m.mul(0.9).add<tf.Tensor2D>(grads['w'] as tf.Tensor));
      w.assign(w.sub<tf.Tensor2D>(m.mul(0.01)));
      return value;
    });
  return { w, m, x, step };
}

function load(recorded: GraphRecord) {
  guardEffects(recorded);
  orderEffects(recorded);
  gateEffects(recorded);
  const residents = new ResidentVariables(backend);
  const registered = tf.engine().registeredVariables;
  for (const { variable } of recorded.variables.values()) {
    if (variable !== undefined) residents.add(variable, registered[variable.key] as tf.Variable);
  }
  const session = new GraphSession(backend.binding, residents.specs, [{ name: 'step', record: recorded }]);
  residents.moveTo(session);
  const run = (...tensors: tf.Tensor[]): number => {
    residents.push();
    residents.release([...recorded.variables.keys()]);
    const [out] = session.run(
      'step',
      tensors.map((tensor) => handleOf(backend, tensor)),
    );
    const [value] = backend.binding.tensorDataSync(out?.id as number) as Float32Array;
    backend.binding.deleteTensor(out?.id as number);
    return value as number;
  };
  return { session, residents, run };
}

describe('a recorded step in a session', () => {
  it('gives the same losses and weights as eager steps', () => {
    const { w, m, x, step } = linear();
    const recorded = record(new Map([['x', x]]), step);
    const start = w.dataSync().slice();
    const { run, residents, session } = load(recorded);
    const captured = [1, 2, 3].map(() => run(x));
    const weights = w.dataSync();
    const momentum = m.dataSync();
    residents.close();
    session.close();

    w.assign(tf.tensor2d(start, [4, 1]));
    m.assign(tf.zeros([4, 1]));
    const eager = [1, 2, 3].map(() => step().dataSync()[0]);
    expect(captured).toEqual(eager);
    expect(weights).toEqual(w.dataSync());
    expect(momentum).toEqual(m.dataSync());
  });

  it('shows its values in tfjs variables and uses what the host writes, while clones keep their values', () => {
    const { w, x, step } = linear();
    const { run, residents, session } = load(record(new Map([['x', x]]), step));
    const handles = backend.binding.getNumOfTensors();
    run(x);
    const first = w.dataSync().slice();
    const kept = w.clone();
    run(x);
    expect(w.dataSync()).not.toEqual(first);
    expect(kept.dataSync()).toEqual(first);
    tf.tidy(() => w.assign(tf.zeros([4, 1])));
    expect(run(x)).toBe(0);
    w.assign(kept);
    kept.dispose();
    const other = run(x);
    tf.tidy(() => w.assign(tf.tensor2d(first, [4, 1])));
    expect(other).toBe(run(x));
    residents.pull();
    expect(backend.binding.getNumOfTensors()).toBe(handles);
    residents.close();
    const last = w.dataSync().slice();
    session.close();
    expect(w.dataSync()).toEqual(last);
  });

  it('never writes into memory that the host holds', () => {
    const memory = Float32Array.of(1, -2, 3, 0.5);
    const w = tf.variable(tf.tensor2d(memory, [4, 1]), true, 'w');
    const recorded = record(new Map(), () => {
      w.assign(w.sub<tf.Tensor2D>(1));
      return w.sum<tf.Scalar>();
    });
    const { run, residents, session } = load(recorded);
    run();
    run();
    expect([...memory]).toEqual([1, -2, 3, 0.5]);
    residents.close();
    session.close();
  });

  it('changes no variable when the loss is not finite', () => {
    const { w, m, x, step } = linear();
    const { run, residents, session } = load(record(new Map([['x', x]]), step));
    run(x);
    const [before, momentum] = [w.dataSync().slice(), m.dataSync().slice()];
    const bad = tf.fill([2, 4], NaN);
    expect(run(bad)).toBeNaN();
    expect(w.dataSync()).toEqual(before);
    expect(m.dataSync()).toEqual(momentum);
    run(x);
    expect(w.dataSync()).not.toEqual(before);
    residents.close();
    session.close();
  });
});

describe('a recording', () => {
  it('equals another recording of the same step, and names the difference to a recording of another step', () => {
    const x = tf.tensor1d([1, 2]);
    const inputs = new Map([['x', x]]);
    const double = (factor: number) => () => x.mul(factor).sum<tf.Scalar>();
    expect(compareRecords(record(inputs, double(2)), record(inputs, double(2)))).toBeUndefined();
    const error = compareRecords(record(inputs, double(2)), record(inputs, double(3)));
    expect(error?.code).toBe('HKL_CAPTURE_HOST_VALUE');
    expect(error?.message).toContain('(2, then 3)');
    expect(error?.message).toContain('the op Mul');
    const flow = compareRecords(
      record(inputs, double(2)),
      record(inputs, () => x.add(2).sum<tf.Scalar>()),
    );
    expect(flow?.code).toBe('HKL_CAPTURE_CONTROL_FLOW');
  });

  it('refuses the read of a computed value, and allows that of a constant', () => {
    const x = tf.tensor1d([1, 2]);
    const inputs = new Map([['x', x]]);
    const reading = () => x.mul((x.sum().dataSync() as Float32Array)[0] as number).sum<tf.Scalar>();
    expect(() => record(inputs, reading)).toThrow(
      '[HKL_CAPTURE_READ] the train step: it reads the value of a tensor (Sum)',
    );
    expect(() => record(inputs, () => x.mul(tf.range(0, 2).dataSync()[1] as number).sum<tf.Scalar>())).not.toThrow();
  });

  it('refuses ops with a hidden random state and ops whose shape depends on values', () => {
    const x = tf.tensor2d([[0.1, 0.9]]);
    const inputs = new Map<string, tf.Tensor>([['x', x]]);
    expect(() => record(inputs, () => tf.multinomial(x, 1, 7).sum<tf.Scalar>())).toThrow('HKL_CAPTURE_RANDOM_OP');
    expect(() => record(inputs, () => tf.unique(x.as1D()).values.sum<tf.Scalar>())).toThrow(
      'HKL_CAPTURE_DYNAMIC_SHAPE',
    );
  });
});
