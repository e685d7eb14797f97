import { biasAdd } from './bias-add.ts';
import { expectAgreement, tryPass, useNative, wave } from './pass-fixture.test.support.ts';

beforeAll(useNative);

describe('bias-add', () => {
  it('takes vectors over the last axis, bare, as a row, and in either place', () => {
    const [x, images, b] = [wave([3, 4]), wave([2, 3, 3, 4]), wave([4], 2)];
    const trial = tryPass(biasAdd, { x, images, b }, () => [
      x.add(b),
      b.add(x),
      images.add(b),
      images.add(b.reshape([1, 1, 1, 4])),
    ]);
    expectAgreement(trial, 0);
    expect(trial.after.get('BiasAdd')).toBe(4);
    expect(trial.after.has('Add') || trial.after.has('AddV2')).toBe(false);
  });

  it('leaves other sums alone', () => {
    const [x, row, one] = [wave([3, 4]), wave([3, 1]), wave([1])];
    const trial = tryPass(biasAdd, { x, row, one }, () => [x.add(x), x.add(row), x.add(one), row.add(wave([4]))]);
    expectAgreement(trial, 0);
    expect(trial.after.has('BiasAdd')).toBe(false);
  });
});
