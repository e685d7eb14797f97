import { expectAgreement, tryPass, useNative, wave } from './pass-fixture.test.support.ts';
import { reshapePairs } from './reshape-pairs.ts';

beforeAll(useNative);

describe('reshape-pairs', () => {
  it('keeps the last of a chain, and none that comes back to the first shape', () => {
    const x = wave([2, 6]);
    const trial = tryPass(reshapePairs, { x }, () => [
      x.reshape([3, 4]).reshape([12]).reshape([4, 3]).square(),
      x.reshape([12]).reshape([2, 6]).neg(),
      x.reshape([2, 6]).exp(),
    ]);
    expectAgreement(trial);
    expect(trial.before.get('Reshape')).toBeGreaterThan(4);
    expect(trial.after.get('Reshape')).toBe(1);
  });
});
