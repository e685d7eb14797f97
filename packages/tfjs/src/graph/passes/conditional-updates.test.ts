import tf from '#tfjs';
import { ConditionalUpdate } from '../../step/conditional-update.ts';
import { conditionalUpdates } from './conditional-updates.ts';
import { fusedUpdates } from './fused-updates.ts';
import type { GraphPass } from './graph-pass.ts';
import { expectAgreement, tryPass, useNative, wave } from './pass-fixture.test.support.ts';

beforeAll(useNative);
afterEach(() => tf.disposeVariables());

const make = (name: string, phase: number) => tf.variable(wave([3, 2], phase).abs().add(0.1), true, name);
/** The values of all variables. */
const values = () =>
  Object.fromEntries(
    Object.entries(tf.engine().registeredVariables).map(([name, variable]) => [name, [...variable.dataSync()]]),
  );
/** As they follow each other in the list of passes. */
const both: GraphPass = {
  name: 'both',
  run(record, options) {
    conditionalUpdates.run(record, options);
    fusedUpdates.run(record, options);
  },
};

describe.each([true, false])('an update whose condition is %s', (holds) => {
  const ok = () => tf.scalar(holds, 'bool') as tf.Scalar;

  it('is one op that runs or does not, and lets others go on with the outcome', () => {
    const [w, b, average, count] = [make('w', 1), make('b', 2), make('average', 3), make('count', 4)];
    const before = values();
    const inputs = { ok: ok(), g: wave([3, 2], 9) };
    const trial = tryPass(both, inputs, () => {
      const update = new ConditionalUpdate(inputs.ok);
      const velocity = b.mul(0.9).add(inputs.g);
      b.assign(velocity);
      w.assign(w.sub(velocity.mul(tf.scalar(0.05))));
      update.apply();
      average.assign(average.mul(0.99).add(w.mul(0.01)));
      count.assign(count.add(1));
      update.apply();
      return [w.square().sum(), average.sum()];
    });
    expectAgreement(trial);
    expect(trial.after.get('ResourceApplyMomentum')).toBe(1);
    expect(trial.after.has('Select')).toBe(false);
    if (holds) expect(trial.graphVariables).not.toEqual(before);
    else expect(trial.graphVariables).toEqual(before);
  });

  it('may decay the weights first', () => {
    const [w, m, v] = [make('w', 1), make('m', 2), make('v', 3)];
    const before = values();
    const [beta1, beta2] = [Math.fround(0.9), Math.fround(0.999)];
    const inputs = { ok: ok(), g: wave([3, 2], 9) };
    const trial = tryPass(both, inputs, () => {
      const update = new ConditionalUpdate(inputs.ok);
      const mean = m.mul(beta1).add(inputs.g.mul(1 - beta1));
      const square = v.mul(beta2).add(inputs.g.square().mul(1 - beta2));
      m.assign(mean);
      v.assign(square);
      w.assign(w.mul(0.999).sub(mean.div(square.sqrt().add(1e-8)).mul(tf.scalar(0.05))));
      update.apply();
      return [w.sum()];
    });
    expectAgreement(trial);
    expect(trial.after.get('ResourceApplyAdam')).toBe(1);
    if (!holds) expect(trial.graphVariables).toEqual(before);
  });

  it('keeps what was assigned before it', () => {
    const [w, count] = [make('w', 1), make('count', 2)];
    const before = values();
    const inputs = { ok: ok() };
    const trial = tryPass(both, inputs, () => {
      count.assign(count.mul(2));
      const update = new ConditionalUpdate(inputs.ok);
      count.assign(count.add(1));
      w.assign(w.mul(3));
      w.assign(w.sub(1));
      update.apply();
      return [w.sum(), count.sum()];
    });
    expectAgreement(trial);
    // Twice.
    if (!holds) {
      const doubled = before['count']?.map((value) => value * 4);
      expect(trial.graphVariables).toEqual({ w: before['w'], count: doubled });
    }
  });
});

it('leaves a choice alone that is made element by element, or between two new values', () => {
  const [w, v] = [make('w', 1), make('v', 2)];
  const inputs = { some: wave([3, 2]).greater(0), one: tf.scalar(false, 'bool') as tf.Scalar };
  const trial = tryPass(both, inputs, () => {
    w.assign(tf.where(inputs.some, w.add(1), w));
    v.assign(tf.engine().runKernel<tf.Tensor>('Select', { condition: inputs.one, t: v.add(1), e: v.sub(1) }));
    return [w.sum(), v.sum()];
  });
  expectAgreement(trial);
  expect(trial.after.get('Select')).toBe(2);
  expect(trial.after.has('Switch')).toBe(false);
});
