import type { ResultCheck } from './result-check.ts';

/**
 * The kinds of hook there are; the names are tapable's without the word Hook. `AsyncSeriesSettled` is our own: a series
 * that a failing tap does not end, named after `Promise.allSettled`.
 */
export type HookKind =
  | 'Sync'
  | 'SyncBail'
  | 'SyncWaterfall'
  | 'AsyncSeries'
  | 'AsyncSeriesSettled'
  | 'AsyncSeriesBail'
  | 'AsyncSeriesWaterfall';

/**
 * What a hook is: its kind, the names of its arguments and what it is for.
 *
 * `Args` and `Result` exist for the compiler only. In a waterfall the first argument is the value handed on.
 */
export interface HookSpec<
  Kind extends HookKind = HookKind,
  Args extends readonly unknown[] = readonly unknown[],
  Result = unknown,
> {
  readonly kind: Kind;
  /** Names of the arguments, three at most. */
  readonly args: readonly string[];
  /** One line for `inspect` and the documentation. */
  readonly description: string;
  /** A check of what taps return. Without it everything is accepted. Hooks whose result is not used need none. */
  readonly check?: ResultCheck | undefined;
  types?(...args: Args): Result;
}

/** The hooks of one owner, by name. */
export type HookTable = Readonly<Record<string, HookSpec>>;

type MaybePromise<T> = T | Promise<T>;

/** A tap that returns nothing changes nothing, hence `void` beside the value. */
type Optional<T> = T | undefined | void;

/** The function that a plugin gives to `tap`, by the kind of the hook. */
export type TapFunction<S extends HookSpec> =
  S extends HookSpec<infer Kind, infer Args, infer Result>
    ? Kind extends 'Sync'
      ? (...args: Args) => void
      : Kind extends 'SyncBail' | 'SyncWaterfall'
        ? (...args: Args) => Optional<Result>
        : Kind extends 'AsyncSeries' | 'AsyncSeriesSettled'
          ? (...args: Args) => MaybePromise<void>
          : (...args: Args) => MaybePromise<Optional<Result>>
    : never;

/** What calling a hook of this kind returns; the async kinds return a promise only when a tap did. */
export type CallResult<S extends HookSpec> =
  S extends HookSpec<infer Kind, readonly unknown[], infer Result>
    ? Kind extends 'Sync'
      ? void
      : Kind extends 'SyncBail'
        ? Result | undefined
        : Kind extends 'SyncWaterfall'
          ? Result
          : Kind extends 'AsyncSeries' | 'AsyncSeriesSettled'
            ? MaybePromise<void>
            : Kind extends 'AsyncSeriesBail'
              ? MaybePromise<Result | undefined>
              : MaybePromise<Result>
    : never;

/** The arguments a hook is called with. */
export type CallArguments<S extends HookSpec> = S extends HookSpec<HookKind, infer Args> ? Args : never;

const spec =
  <Kind extends HookKind>(kind: Kind) =>
  <Args extends readonly unknown[], Result = void>(
    args: readonly string[],
    description: string,
    check?: ResultCheck,
  ): HookSpec<Kind, Args, Result> =>
    Object.freeze({ kind, args: Object.freeze([...args]), description, check });

const waterfall =
  <Kind extends HookKind>(kind: Kind) =>
  <Value, Rest extends readonly unknown[] = []>(
    args: readonly string[],
    description: string,
    check?: ResultCheck,
  ): HookSpec<Kind, [Value, ...Rest], Value> =>
    spec(kind)<[Value, ...Rest], Value>(args, description, check);

/** Every tap runs, in order, within the call. */
export const sync = spec('Sync');
/** Taps run until one returns something other than undefined. */
export const syncBail = spec('SyncBail');
/** Every tap may return a replacement of the first argument. */
export const syncWaterfall = waterfall('SyncWaterfall');
/** Every tap runs, one after the other; a tap may be async. */
export const asyncSeries = spec('AsyncSeries');
/**
 * Every tap runs, one after the other, also after one that fails; then the call fails with the error, or with an
 * AggregateError of all that the first one leads. For closing things: where one plugin fails, the others must still
 * close theirs.
 */
export const asyncSeriesSettled = spec('AsyncSeriesSettled');

/** Taps run one after the other until one returns something other than undefined. */
export const asyncSeriesBail = spec('AsyncSeriesBail');
/** Every tap, one after the other, may return a replacement of the first argument. */
export const asyncSeriesWaterfall = waterfall('AsyncSeriesWaterfall');
