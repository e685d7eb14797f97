import { shimNodeUtil } from './node-util-shim.ts';

type Check = (value: unknown) => boolean;

describe('shimNodeUtil', () => {
  it('restores the functions that a newer Node lacks', () => {
    const target: Record<string, unknown> = {};
    shimNodeUtil(23, target);
    const isNullOrUndefined = target['isNullOrUndefined'] as Check;
    const isArray = target['isArray'] as Check;
    expect([null, undefined, 0, '', false].map(isNullOrUndefined)).toEqual([true, true, false, false, false]);
    expect([[], {}, 'a', null].map(isArray)).toEqual([true, false, false, false]);
  });

  it('replaces the deprecated functions of Node 22 and keeps those of Node 20', () => {
    const own = () => true;
    const older: Record<string, unknown> = { isArray: own };
    shimNodeUtil(20, older);
    expect(older['isArray']).toBe(own);
    const newer: Record<string, unknown> = { isArray: own };
    shimNodeUtil(22, newer);
    expect(newer['isArray']).not.toBe(own);
  });
});
