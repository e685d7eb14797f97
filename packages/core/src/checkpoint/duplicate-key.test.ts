import { findDuplicateKey } from './duplicate-key.ts';

describe('findDuplicateKey', () => {
  it.each([
    ['{"a":1,"a":2}', 'a'],
    ['{"x":{"b":1,"c":{},"b":[]}}', 'b'],
    ['[{"a":1},{"k" : 1, "k"\n:2}]', 'k'],
    ['{"a":1,"\\u0061":2}', 'a'],
    ['{"\\"":1,"\\"":2}', '"'],
  ])('finds the one in %s', (text, key) => {
    JSON.parse(text);
    expect(findDuplicateKey(text)).toBe(key);
  });

  it.each([
    '{}',
    '[]',
    '"a"',
    '{"a":"a","b":"a"}',
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":1}]',
    '{"a":["a","a"],"b":"{\\"a\\":1,\\"a\\":2}"}',
    '{"a":"\\\\","b":"\\\\"}',
  ])('finds none in %s', (text) => {
    JSON.parse(text);
    expect(findDuplicateKey(text)).toBeUndefined();
  });

  it('handles a text of several megabytes', () => {
    const inner = JSON.stringify(Array.from({ length: 100_000 }, (_, i) => ({ key: i })));
    expect(findDuplicateKey(JSON.stringify({ __metadata__: { inner }, a: 1 }))).toBeUndefined();
  });
});
