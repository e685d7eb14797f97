import { HooklineError, PluginError } from '../errors.ts';
import { ignoreRejection, isThenable } from '../thenable.ts';
import type { HookKind } from './hook-spec.ts';
import type { HookSite } from './hook-site.ts';
import type { ResultCheck } from './result-check.ts';
import type { Wait } from './waits.ts';

/** The name under which the engine itself taps hooks. Its own errors already say whom they are about. */
export const ENGINE = 'hookline';

type AnyFunction = (...args: unknown[]) => unknown;
type Done = (error?: Error | null, result?: unknown) => void;

/** What the taps of one hook may return. */
export interface TapRules {
  /** The check of the hook's table. */
  readonly check: ResultCheck | undefined;
  /** Whether a tap that returns nothing hands on its first argument. */
  readonly isWaterfall: boolean;
  /**
   * A check that the caller of the hook adds, such as a step runner that knows the shapes. In a waterfall it sees the
   * value that is handed on.
   */
  callerCheck: ((result: unknown) => HooklineError | undefined) | undefined;
  /** A check that the caller of a sync hook adds: once it returns true, the taps that are left are not called. */
  isDone: (() => boolean) | undefined;
}

/** Whose tap it is, of which hook. */
export interface TapPlace {
  readonly plugin: string;
  readonly hook: string;
  readonly site: HookSite;
  readonly rules: TapRules;
}

/**
 * Wraps a tap of a sync hook: its errors name plugin, hook and iteration, what it returns is checked at once, and a
 * promise is refused, since nobody would await it.
 */
export function wrapSyncTap(place: TapPlace, fn: AnyFunction): AnyFunction {
  const { plugin, hook, site, rules } = place;
  return (a, b, c) => {
    // A waterfall goes on with its value where a tap returns undefined.
    if (rules.isDone?.() === true) return undefined;
    const { observer } = site;
    observer?.enter(plugin, hook);
    try {
      const result = fn(a, b, c);
      if (isThenable(result)) {
        ignoreRejection(result);
        throw asyncInSyncHook(plugin, hook);
      }
      return checkedResult(place, result, a);
    } catch (error) {
      throw asPluginError(place, error);
    } finally {
      observer?.leave(plugin, hook);
    }
  };
}

/**
 * Wraps a tap of an async hook in tapable's callback form. A tap that returns no promise completes within the call and
 * costs none; one that throws, or rejects with whatever value, reaches the callback as an error. (With tapable's own
 * `tapPromise` a later tap that throws synchronously leaves the caller waiting for ever.) What it returns is checked at
 * once. While it is awaited, the site's {@link Waits} list it.
 */
export function wrapAsyncTap(place: TapPlace, arity: number, fn: AnyFunction): (...args: never[]) => void {
  const { plugin, hook, site } = place;
  const run = (done: Done, a?: unknown, b?: unknown, c?: unknown): void => {
    const { observer } = site;
    observer?.enter(plugin, hook);
    let result: unknown;
    let pending: Promise<unknown> | undefined;
    const order = site.waits.ticket();
    try {
      result = fn(a, b, c);
      // A foreign thenable may call back twice, or throw; a promise that follows it does neither.
      if (isThenable(result)) pending = Promise.resolve(result);
      else result = checkedResult(place, result, a);
    } catch (error) {
      observer?.leave(plugin, hook);
      done(asPluginError(place, error));
      return;
    }
    if (pending === undefined) {
      observer?.leave(plugin, hook);
      done(null, result);
      return;
    }
    awaitTap(place, order, pending, a, (error, value) => {
      observer?.leave(plugin, hook);
      done(error, value);
    });
  };
  switch (arity) {
    case 0:
      return (done: Done) => run(done);
    case 1:
      return (a: unknown, done: Done) => run(done, a);
    case 2:
      return (a: unknown, b: unknown, done: Done) => run(done, a, b);
    default:
      return (a: unknown, b: unknown, c: unknown, done: Done) => run(done, a, b, c);
  }
}

/** Awaits a tap's promise and calls `done` once: with the tap's result, or with an error when the wait is given up. */
function awaitTap(place: TapPlace, order: number, pending: Promise<unknown>, first: unknown, done: Done): void {
  const { plugin, hook, site } = place;
  let isOver = false;
  const finish = (isDone: boolean, value: unknown): void => {
    if (isOver) return;
    isOver = true;
    site.waits.end(wait);
    let result: unknown;
    let failure: Error | null = isDone ? null : asPluginError(place, value);
    try {
      if (isDone) result = checkedResult(place, value, first);
    } catch (refusal) {
      failure = asPluginError(place, refusal);
    }
    done(failure, result);
  };
  const wait: Wait = {
    order,
    who: plugin,
    where: `hook ${hook}`,
    since: performance.now(),
    giveUp: (error) => finish(false, error),
  };
  site.waits.begin(wait);
  pending.then(
    (value) => finish(true, value),
    (error: unknown) => finish(false, error),
  );
}

/**
 * Checks and returns what a tap returned; null counts as nothing.
 *
 * @throws HooklineError `HKL_TAP_RESULT`, and what the site and the caller of the hook find
 */
function checkedResult({ hook, site, rules }: TapPlace, result: unknown, first: unknown): unknown {
  const broken = site.tapCheck?.(hook);
  if (broken !== undefined) throw broken;
  const value = result ?? undefined;
  const { check, isWaterfall, callerCheck } = rules;
  if (value !== undefined) {
    const found = check?.find(value);
    if (found !== undefined) throw new HooklineError('HKL_TAP_RESULT', `it returned ${found}`, { fix: check?.fix });
  }
  if (callerCheck !== undefined) {
    const handedOn = value ?? (isWaterfall ? first : undefined);
    const refusal = handedOn === undefined ? undefined : callerCheck(handedOn);
    if (refusal !== undefined) throw refusal;
  }
  return value;
}

/**
 * Wraps a tap as {@link wrapAsyncTap} does, but an error is added to the list that the hook is called with after its
 * arguments, and the taps that follow run all the same.
 */
export function wrapSettledTap(place: TapPlace, arity: number, fn: AnyFunction): (...args: never[]) => void {
  const wrapped = wrapAsyncTap(place, arity, fn) as (...args: unknown[]) => void;
  return (...args: readonly unknown[]) => {
    const given = args.slice(0, arity);
    const [failures, done] = args.slice(arity) as [unknown[], Done];
    wrapped(...given, (error: unknown) => {
      if (error !== null && error !== undefined) failures.push(error);
      done(null);
    });
  };
}

/** Refuses a value that cannot be a tap. */
export function assertTap(plugin: string, hook: string, kind: HookKind, fn: unknown): asserts fn is AnyFunction {
  if (typeof fn !== 'function') {
    throw new HooklineError(
      'HKL_TAP_NOT_A_FUNCTION',
      `a tap must be a function, not ${fn === null ? 'null' : typeof fn}`,
      {
        who: plugin,
        where: `hook ${hook}`,
        fix: `Call hooks.${hook}.tap((...) => ...)`,
      },
    );
  }
  const isAsync = fn.constructor.name === 'AsyncFunction' || fn.constructor.name === 'AsyncGeneratorFunction';
  if (isAsync && kind.startsWith('Sync')) throw asyncInSyncHook(plugin, hook);
}

function asyncInSyncHook(plugin: string, hook: string): HooklineError {
  return new HooklineError('HKL_ASYNC_IN_SYNC_HOOK', 'an async function cannot tap a sync hook', {
    who: plugin,
    where: `hook ${hook}`,
    fix: 'Sync hooks run on tensors inside the step and are never awaited. Use afterStep for work on the host',
  });
}

function asPluginError({ plugin, hook, site }: TapPlace, error: unknown): HooklineError {
  const isNamed = error instanceof PluginError || (plugin === ENGINE && error instanceof HooklineError);
  return isNamed ? error : new PluginError(plugin, hook, site.iteration, error);
}
