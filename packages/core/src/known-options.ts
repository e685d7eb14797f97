import { HooklineError } from './errors.ts';
import { didYouMean } from './suggest-name.ts';

/**
 * The names of all options of `O`. Written out as `{ a: true, b: true } satisfies OptionNames<O>`, so that the compiler
 * finds a name that is missing.
 */
export type OptionNames<O extends object> = Readonly<Record<keyof O, true>>;

/**
 * Refuses unknown options: a misspelt one would otherwise be ignored silently.
 *
 * @param who whose options they are, for the error
 * @param options what was given; undefined counts as no options
 * @throws HooklineError `HKL_OPTION_UNKNOWN` with a suggestion, `HKL_OPTION_INVALID` for what is no object
 */
export function assertKnownOptions(who: string, options: unknown, known: Readonly<Record<string, true>>): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new HooklineError('HKL_OPTION_INVALID', `options must be an object, not ${nameOf(options)}`, {
      who,
      fix: didYouMean('', Object.keys(known)),
    });
  }
  assertKnownNames(options, Object.keys(known), (unknown, fix) => {
    return new HooklineError('HKL_OPTION_UNKNOWN', `it has no option "${unknown}"`, { who, fix });
  });
}

/**
 * Refuses an object that has a property whose name is not in the list.
 *
 * @param refusal makes the error for the first such name; `fix` lists the known names, with a suggestion
 */
export function assertKnownNames(
  given: object,
  known: readonly string[],
  refusal: (unknown: string, fix: string) => HooklineError,
): void {
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) throw refusal(unknown, didYouMean(unknown, known));
}

/** Picks the options with known names, for a constructor that hands them on to its base class. */
export function pickOptions<O extends object, K extends keyof O>(
  options: O,
  known: Readonly<Record<K, true>>,
): Pick<O, K> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => Object.hasOwn(known, name))) as Pick<O, K>;
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : typeof value === 'function' ? 'a function' : JSON.stringify(value);
}
