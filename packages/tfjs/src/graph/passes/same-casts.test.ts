import tf from '#tfjs';
import { expectAgreement, tryPass, useNative, wave } from './pass-fixture.test.support.ts';
import { sameCasts } from './same-casts.ts';

beforeAll(useNative);

describe('same-casts', () => {
  it('drops casts that change nothing, and keeps the others', () => {
    const x = wave([4]);
    const same = () => tf.engine().runKernel<tf.Tensor>('Cast', { x }, { dtype: 'float32' });
    const trial = tryPass(sameCasts, { x }, () => [same().mul(2), x.mul(3).cast('int32')]);
    expectAgreement(trial);
    const remaining = trial.record.nodes.filter(({ op }) => op === 'Cast');
    expect(remaining).toHaveLength(1);
    expect(remaining[0]?.attributes.get('DstT')?.value).toBe(3);
  });
});
