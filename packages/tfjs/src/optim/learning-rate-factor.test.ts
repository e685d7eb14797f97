import { selectDevice } from '../device/select-device.ts';
import tf from '#tfjs';
import { functionModel } from '../model/function-model.ts';
import { learningRateFactor } from './learning-rate-factor.ts';
import { sgd } from './sgd.ts';

beforeAll(() => selectDevice('auto'));

const make = () => {
  const w = tf.variable(tf.scalar(1));
  return sgd(functionModel({ variables: { w }, losses: () => w.square() as tf.Scalar }), { learningRate: 0.1 });
};

describe('learningRateFactor', () => {
  it("multiplies the optimizer's own rate by the factors of all owners, in any order", () => {
    const optimizer = make();
    const schedule = learningRateFactor(optimizer, 'schedule');
    const plateau = learningRateFactor(optimizer, 'plateau');
    plateau.set(0.5);
    expect(optimizer.learningRate).toBe(0.1 * 0.5);
    schedule.set(0.25);
    expect(optimizer.learningRate).toBe(0.1 * 0.25 * 0.5);
    expect([schedule.base, plateau.base]).toEqual([0.1, 0.1]);
  });

  it('restores the rate when all factors are released, and then starts from a newly set rate', () => {
    const optimizer = make();
    const [schedule, plateau] = ['schedule', 'plateau'].map((owner) => learningRateFactor(optimizer, owner));
    schedule?.set(0.25);
    plateau?.set(0.5);
    schedule?.release();
    expect(optimizer.learningRate).toBe(0.1 * 0.5);
    plateau?.release();
    expect(optimizer.learningRate).toBe(0.1);
    optimizer.learningRate = 0.2;
    expect(learningRateFactor(optimizer, 'schedule').base).toBe(0.2);
  });

  it('refuses a factor that makes the rate negative', () => {
    const factor = learningRateFactor(make(), 'schedule');
    expect(() => factor.set(-1)).toThrow(/\[HKL_OPTIMIZER_OPTION\] optimizer: learningRate is -0.1/);
  });
});
