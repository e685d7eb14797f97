import tf from '#tfjs';
import { matMul } from './mat-mul.ts';
import { expectAgreement, tryPass, useNative, wave } from './pass-fixture.test.support.ts';

beforeAll(useNative);

describe('mat-mul', () => {
  it.each([
    [false, false, [3, 4], [4, 5]],
    [true, false, [4, 3], [4, 5]],
    [false, true, [3, 4], [5, 4]],
    [true, true, [4, 3], [5, 4]],
  ] as const)('makes one product of a batch of one, transposed %s and %s', (transposeA, transposeB, a, b) => {
    const [x, y] = [wave([...a]), wave([...b], 1)];
    const stacked = () => tf.matMul(x.expandDims(0), y.expandDims(0), transposeA, transposeB);
    const trial = tryPass(matMul, { x, y }, () => [tf.matMul(x, y, transposeA, transposeB), stacked()]);
    expectAgreement(trial);
    expect(trial.before.get('BatchMatMulV2')).toBe(2);
    expect(trial.after.has('BatchMatMulV2')).toBe(false);
    expect(trial.after.get('MatMul')).toBe(2);
  });

  it('leaves real batches alone', () => {
    const [x, y] = [wave([2, 3, 4]), wave([2, 4, 5])];
    const trial = tryPass(matMul, { x, y }, () => [tf.matMul(x, y)]);
    expectAgreement(trial);
    expect(trial.after.get('BatchMatMulV2')).toBe(1);
  });
});
