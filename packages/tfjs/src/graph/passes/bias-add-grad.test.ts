import { biasAddGrad } from './bias-add-grad.ts';
import { expectAgreement, tryPass, useNative, wave } from './pass-fixture.test.support.ts';

beforeAll(useNative);

describe('bias-add-grad', () => {
  it('takes sums over all axes but the last', () => {
    const [x, images] = [wave([3, 4]), wave([2, 3, 3, 4])];
    const trial = tryPass(biasAddGrad, { x, images }, () => [x.sum(0), images.sum([0, 1, 2]), images.sum([-4, 1, 2])]);
    expectAgreement(trial);
    expect(trial.after.get('BiasAddGrad')).toBe(3);
  });

  it('leaves other sums alone', () => {
    const images = wave([2, 3, 3, 4]);
    const trial = tryPass(biasAddGrad, { images }, () => [
      images.sum(),
      images.sum([0, 1]),
      images.sum([1, 2, 3]),
      images.sum([0, 1, 2], true).add(1),
    ]);
    expectAgreement(trial);
    expect(trial.graph[3]).toHaveLength(4);
  });
});
