import tf from '#tfjs';
import { constants } from './constants.ts';
import { expectAgreement, tryPass, useNative, wave } from './pass-fixture.test.support.ts';

beforeAll(useNative);

describe('constants', () => {
  it('keeps one of equal values, types and shapes', () => {
    const x = wave([4]);
    const trial = tryPass(constants, { x }, () => [
      x.mul(2).add(2),
      x.sub(2).mul(3),
      x.cast('int32').mul(tf.scalar(2, 'int32')),
    ]);
    expectAgreement(trial, 0);
    const before = trial.before.get('Const') as number;
    expect(before).toBe(5);
    expect(trial.after.get('Const')).toBe(3);
  });
});
