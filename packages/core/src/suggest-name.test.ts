import { didYouMean, suggestName } from './suggest-name.ts';

describe('suggestName', () => {
  it('finds the nearest known name, whatever the case', () => {
    expect(suggestName('patince', ['patience', 'period', 'metric'])).toBe('patience');
    expect(suggestName('Period', ['patience', 'period'])).toBe('period');
  });

  it('stays silent when nothing is near', () => {
    expect(suggestName('zebra', ['patience', 'period'])).toBeUndefined();
  });
});

describe('didYouMean', () => {
  it('asks when a name is near and lists the known names in any case', () => {
    expect(didYouMean('mod', ['mode', 'metric'])).toBe('Did you mean "mode"? Known: metric, mode');
    expect(didYouMean('zebra', ['mode'])).toBe('Known: mode');
    expect(didYouMean('zebra', [])).toBe('There are none');
  });
});
