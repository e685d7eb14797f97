import { HooklineError } from '../errors.ts';

const MAX_DEPTH = 200;
/** Keys that begin with this mark are ours; a user's key that begins with it gets a second one. */
const MARK = '$';
const NUMBER_KEY = '$number';
const ODD_NUMBERS = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
  ['-0', -0],
]);

/**
 * Encodes a value as JSON without loss: NaN, infinities and -0 are written as `{"$number":"NaN"}`, and keys that begin
 * with `$` get a second one. Properties that are undefined are left out.
 *
 * @param who whose data this is, for the error
 * @throws HKL_STATE_NOT_JSON for values that JSON cannot hold: typed arrays, Maps, Dates, functions, bigints, cycles;
 * with the path to it
 */
export function encodeExactJson(value: unknown, who: string): string {
  return JSON.stringify(encode(value, who, []));
}

/** Decodes what `encodeExactJson` returned. @throws SyntaxError for any other text */
export function decodeExactJson(text: string): unknown {
  return decode(JSON.parse(text));
}

interface Step {
  readonly key: string;
  readonly holder: object;
}

function encode(value: unknown, who: string, path: Step[]): unknown {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') {
    return Number.isFinite(value) && !Object.is(value, -0)
      ? value
      : { [NUMBER_KEY]: Object.is(value, -0) ? '-0' : `${value}` };
  }
  if (typeof value !== 'object') throw refusal(who, path, `a value of type ${typeof value}`);
  if (path.some(({ holder }) => holder === value)) throw refusal(who, path, 'an object that contains itself');
  if (path.length >= MAX_DEPTH) throw refusal(who, path, `more than ${MAX_DEPTH} levels deep`);
  const inside = (key: string, child: unknown): unknown => {
    path.push({ key, holder: value });
    const encoded = encode(child, who, path);
    path.pop();
    return encoded;
  };
  if (Array.isArray(value)) return Array.from(value, (child: unknown, i) => inside(`[${i}]`, child));
  const kind = kindOf(value);
  if (kind !== undefined) throw refusal(who, path, kind);
  const entries: [string, unknown][] = [];
  for (const [key, child] of Object.entries(value) as [string, unknown][]) {
    if (child === undefined) continue;
    if (key === '__proto__') throw refusal(who, path, 'an object with the key "__proto__"');
    entries.push([key.startsWith(MARK) ? MARK + key : key, inside(`.${key}`, child)]);
  }
  return Object.fromEntries(entries);
}

function decode(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(decode);
  const entries = Object.entries(value);
  const [first] = entries;
  if (first?.[0] === NUMBER_KEY && entries.length === 1) {
    const number = ODD_NUMBERS.get(String(first[1]));
    if (number === undefined) throw new SyntaxError(`"${String(first[1])}" is no number`);
    return number;
  }
  return Object.fromEntries(
    entries.map(([key, child]) => {
      const marked = key.startsWith(MARK);
      if (key === '__proto__' || (marked && key[1] !== MARK)) throw new SyntaxError(`the key "${key}" has no meaning`);
      return [marked ? key.slice(1) : key, decode(child)];
    }),
  );
}

/** The kind of an object that is not plain, for messages; undefined for a plain one. */
function kindOf(value: object): string | undefined {
  const prototype = Object.getPrototypeOf(value) as object | null;
  // The prototype of a plain object, of whatever realm, has none itself.
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return undefined;
  const name = (value.constructor as { name?: string } | undefined)?.name ?? 'an object of some class';
  return ArrayBuffer.isView(value) ? `a ${name}, which belongs among the tensors` : `of class ${name}`;
}

function refusal(who: string, path: readonly Step[], kind: string): HooklineError {
  const place = path.map(({ key }) => key).join('');
  return new HooklineError('HKL_STATE_NOT_JSON', `its state holds something that JSON cannot give back: ${kind}`, {
    who,
    where: place === '' ? 'the whole state' : place.replace(/^\./, ''),
    fix: 'Save plain objects, arrays, numbers, strings, booleans and null; save arrays of numbers as tensors',
  });
}
