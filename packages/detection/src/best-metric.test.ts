import { bestMetric } from './best-metric.ts';

describe('bestMetric', () => {
  it.each([
    ['bbox/AP', ['val'], 'bbox/AP'],
    ['val/bbox/AP', ['val'], 'bbox/AP'],
    ['bbox/AP', ['val', 'test'], 'val/bbox/AP'],
    ['test/bbox/AP50', ['val', 'test'], 'test/bbox/AP50'],
    ['', ['val', 'test'], ''],
    ['bbox/AP', [], ''],
  ])('%s of %j is %s', (best, datasets, metric) => {
    expect(bestMetric(best, datasets)).toBe(metric);
  });
});
