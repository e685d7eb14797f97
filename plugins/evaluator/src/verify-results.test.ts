import { verifyResults } from './verify-results.ts';

const results = { bbox: { AP: 0.4 }, voc: { val: { mAP: 0.7 } }, accuracy: 0.9, broken: NaN };

describe('verifyResults', () => {
  it('is content within the tolerance', () => {
    verifyResults(results, [
      ['bbox', 'AP', 0.41, 0.02],
      ['voc/val', 'mAP', 0.7, 0],
      ['', 'accuracy', 0.9, 0],
    ]);
  });

  it('names everything that is missing, not finite or too far off', () => {
    const check = () =>
      verifyResults(results, [
        ['bbox', 'AP', 0.5, 0.02],
        ['bbox', 'AP75', 0.5, 1],
        ['segm', 'AP', 0.5, 1],
        ['', 'broken', 0, Infinity],
        ['', 'bbox', 0, 1],
      ]);
    expect(check).toThrow(
      'bbox/AP is 0.4 instead of 0.5 ± 0.02; bbox/AP75 is missing; segm/AP is missing; broken is NaN instead of 0 ± Infinity; bbox is missing',
    );
    expect(check).toThrow('HKL_RESULTS_UNEXPECTED');
  });
});
