import { shownFactor } from './shown-factor.ts';

const group = (lrFactor: number, ...names: string[]) => ({ lrFactor, names });

describe('shownFactor', () => {
  it('is that of the largest group', () => expect(shownFactor([group(2, 'a'), group(3, 'b', 'c')])).toBe(3));
  it('is the most common one where every group has one parameter', () =>
    expect(shownFactor([group(2, 'a'), group(1, 'b'), group(1, 'c')])).toBe(1));
  it('is 1 without groups', () => expect(shownFactor([])).toBe(1));
});
