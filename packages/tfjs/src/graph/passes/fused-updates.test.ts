import tf from '#tfjs';
import { fusedUpdates } from './fused-updates.ts';
import { expectAgreement, tryPass, useNative, wave } from './pass-fixture.test.support.ts';

beforeAll(useNative);
afterEach(() => tf.disposeVariables());

const make = (name: string, phase: number, like = [3, 2]) => tf.variable(wave(like, phase).abs().add(0.1), true, name);
const rate = () => tf.scalar(0.05);

describe('fused-updates', () => {
  it('finds gradient descent', () => {
    const [w, g] = [make('w', 1), wave([3, 2])];
    const trial = tryPass(fusedUpdates, { g }, () => {
      w.assign(w.sub(g.mul(rate())));
      return [w.sum()];
    });
    expectAgreement(trial);
    expect(trial.after.get('ResourceApplyGradientDescent')).toBe(1);
    expect(trial.after.has('AssignVariableOp')).toBe(false);
  });

  it.each([false, true])('finds momentum, nesterov %s, and lets others go on with the new weight', (nesterov) => {
    const [w, b, average, g] = [make('w', 1), make('b', 2), make('average', 3), wave([3, 2])];
    const trial = tryPass(fusedUpdates, { g }, () => {
      const velocity = b.mul(0.9).add(g);
      b.assign(velocity);
      w.assign(w.sub((nesterov ? g.add(velocity.mul(0.9)) : velocity).mul(rate())));
      average.assign(average.mul(0.99).add(w.mul(0.01)));
      return [w.square().sum(), velocity.sum()];
    });
    expectAgreement(trial);
    expect(trial.after.get('ResourceApplyMomentum')).toBe(1);
  });

  it.each([false, true])('finds Adam, with decayed weights %s', (isDecayed) => {
    const [w, m, v, g] = [make('w', 1), make('m', 2), make('v', 3), wave([3, 2])];
    const [beta1, beta2] = [Math.fround(0.9), Math.fround(0.999)];
    const trial = tryPass(fusedUpdates, { g }, () => {
      const mean = m.mul(beta1).add(g.mul(1 - beta1));
      const square = v.mul(beta2).add(g.square().mul(1 - beta2));
      m.assign(mean);
      v.assign(square);
      const start = isDecayed ? w.mul(0.999) : w;
      w.assign(start.sub(mean.div(square.sqrt().add(1e-8)).mul(rate())));
      return [w.sum()];
    });
    expectAgreement(trial);
    expect(trial.after.get('ResourceApplyAdam')).toBe(1);
    expect(trial.after.get('AssignVariableOp') ?? 0).toBe(isDecayed ? 1 : 0);
  });

  it('leaves an update alone that computes something else', () => {
    const [w, m, v, g] = [make('w', 1), make('m', 2), make('v', 3), wave([3, 2])];
    const trial = tryPass(fusedUpdates, { g }, () => {
      const mean = m.mul(0.9).add(g.mul(0.2));
      m.assign(mean);
      v.assign(v.mul(0.9).add(g.square()));
      w.assign(w.add(mean.mul(rate())).mul(0.99));
      return [w.sum()];
    });
    expectAgreement(trial);
    expect([...trial.after.keys()].filter((op) => op.startsWith('ResourceApply'))).toEqual([]);
  });

  it('finds gradient descent as tfjs spells it, and leaves a sum of other shapes alone', () => {
    const [w, count, g] = [make('w', 1), tf.variable(tf.zeros([3, 2]), false, 'count'), wave([3, 2])];
    const trial = tryPass(fusedUpdates, { g }, () => {
      w.assign(tf.add(tf.mul(tf.scalar(-0.1), g), w));
      count.assign(count.add(tf.scalar(2).mul(g.sum())));
      return [w.sum()];
    });
    expectAgreement(trial);
    expect(trial.after.get('ResourceApplyGradientDescent')).toBe(1);
    expect(trial.after.get('AssignVariableOp')).toBe(1);
  });
});
