import { decodeExactJson, encodeExactJson } from './exact-json.ts';

const roundTrip = (value: unknown): unknown => decodeExactJson(encodeExactJson(value, 'test'));

describe('exact JSON', () => {
  it('gives back every number to the bit', () => {
    const numbers = [
      0,
      -0,
      NaN,
      Infinity,
      -Infinity,
      0.1,
      1 / 3,
      5e-324,
      Number.MAX_VALUE,
      -(2 ** 53),
      1e21,
      123456789.123456789,
    ];
    const back = roundTrip({ numbers }) as { numbers: number[] };
    expect(back.numbers.map((x, i) => Object.is(x, numbers[i]))).toEqual(numbers.map(() => true));
  });

  const plain: unknown[] = [
    null,
    'text with "quotes", \u0000, \ud800 and 🙂',
    [],
    {},
    [[1, [2]], { a: { b: [null, true] } }],
    { $number: 'NaN' },
    { $number: 3, $$x: { $: 1 } },
    { constructor: 1, hasOwnProperty: 2, toJSON: 'text', '': 0, 10: 'b', 9: 'a' },
  ];
  it.each(plain.map((value): [unknown] => [value]))('gives back %j', (value) => {
    expect(roundTrip(value)).toEqual(value);
  });

  it('leaves out what is undefined, and takes objects without prototype', () => {
    expect(roundTrip({ a: undefined, b: 1 })).toEqual({ b: 1 });
    expect(roundTrip(Object.assign(Object.create(null) as object, { a: 1 }))).toEqual({ a: 1 });
  });

  class Point {
    x = 1;
  }
  it.each<[unknown, string]>([
    [new Float32Array(2), 'a Float32Array, which belongs among the tensors'],
    [Buffer.from('x'), 'a Buffer, which belongs among the tensors'],
    [new Map(), 'of class Map'],
    [new Date(0), 'of class Date'],
    [new Point(), 'of class Point'],
    [10n, 'a value of type bigint'],
    [() => 1, 'a value of type function'],
    [Symbol('s'), 'a value of type symbol'],
    [[undefined], 'a value of type undefined'],
    [JSON.parse('{"__proto__":1}') as unknown, 'an object with the key "__proto__"'],
  ])('refuses %p and says where it is', (value, kind) => {
    const act = (): unknown => encodeExactJson({ deep: [{ here: value }] }, 'plugin ema');
    expect(act).toThrow(expect.objectContaining({ code: 'HKL_STATE_NOT_JSON', who: 'plugin ema' }) as Error);
    expect(act).toThrow(kind);
    expect(act).toThrow('deep[0].here');
  });

  it('refuses cycles and bottomless nesting, and takes one object in two places', () => {
    const cycle: { self?: unknown } = {};
    cycle.self = [cycle];
    expect(() => encodeExactJson(cycle, 'x')).toThrow('contains itself');
    let deep: unknown = 0;
    for (let i = 0; i < 1000; i++) deep = [deep];
    expect(() => encodeExactJson(deep, 'x')).toThrow('levels deep');
    const shared = { a: 1 };
    expect(roundTrip([shared, shared])).toEqual([{ a: 1 }, { a: 1 }]);
  });

  it.each(['{"$number":"1"}', '{"$other":1}', '{"a":{"__proto__":{"x":1}}}', '{"$number":"NaN","b":1}', '{'])(
    'does not decode %s',
    (text) => {
      expect(() => decodeExactJson(text)).toThrow(SyntaxError);
    },
  );
});
