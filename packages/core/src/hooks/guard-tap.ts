import { HooklineError, PluginError } from '../errors.ts';
import type { HookKind } from './hook-spec.ts';
import type { HookSite } from './hook-site.ts';
import type { ResultCheck } from './result-check.ts';
import type { Wait } from './waits.ts';

/** The name under which the engine itself taps. Its errors say by themselves whom they are about. */
export const ENGINE = 'hookline';

type AnyFunction = (...args: unknown[]) => unknown;
type Done = (error?: Error | null, result?: unknown) => void;

/** Also for a promise of another realm or library. Throws what its `then` throws, where that is a getter. */
export const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  value !== null &&
  (typeof value === 'object' || typeof value === 'function') &&
  typeof (value as { then?: unknown }).then === 'function';

/** What the taps of one hook may return. */
export interface TapRules {
  /** What the hook's table says. */
  readonly check: ResultCheck | undefined;
  /** Whether a tap that returns nothing hands on its first argument. */
  readonly isWaterfall: boolean;
  /** What whoever calls the hook adds, such as a step runner that knows the shapes. It sees what is handed on. */
  verify: ((result: unknown) => HooklineError | undefined) | undefined;
  /** Of a sync hook: whether the taps that are left are not to be called any more. */
  isDone: (() => boolean) | undefined;
}

/** Where a tap stands. */
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
export function guardSyncTap(place: TapPlace, fn: AnyFunction): AnyFunction {
  const { plugin, hook, site, rules } = place;
  return (a, b, c) => {
    // Nothing is what a tap returns that has nothing to add, so a waterfall keeps the value of the tap before.
    if (rules.isDone?.() === true) return undefined;
    const { observer } = site;
    observer?.enter(plugin, hook);
    try {
      const result = fn(a, b, c);
      if (isThenable(result)) {
        // The promise is dropped; without a handler its rejection would end the process with a second message.
        Promise.resolve(result).catch(() => undefined);
        throw asyncInSyncHook(plugin, hook);
      }
      return accepted(place, result, a);
    } catch (error) {
      throw asPluginError(place, error);
    } finally {
      observer?.leave(plugin, hook);
    }
  };
}

/**
 * Wraps a tap of an async hook in tapable's callback form. A tap that returns no promise completes within the
 * call and costs none; one that throws, or rejects with whatever value, reaches the callback as an error. (With
 * tapable's own `tapPromise` a later tap that throws synchronously leaves the caller waiting for ever.) What it gives
 * is checked at once, and while it is awaited the site's waits know of it.
 */
export function guardAsyncTap(place: TapPlace, arity: number, fn: AnyFunction): (...args: never[]) => void {
  const { plugin, hook, site } = place;
  const run = (done: Done, a?: unknown, b?: unknown, c?: unknown): void => {
    const { observer } = site;
    observer?.enter(plugin, hook);
    let result: unknown;
    let pending: Promise<unknown> | undefined;
    const order = site.waits.ticket();
    try {
      result = fn(a, b, c);
      // A thenable of another kind may call back twice, or throw; a promise that follows it does neither.
      if (isThenable(result)) pending = Promise.resolve(result);
      else result = accepted(place, result, a);
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
    settle(place, order, pending, a, (error, value) => {
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

/** Calls `done` once: with what the tap gives, or with an error when the wait is given up. */
function settle(place: TapPlace, order: number, pending: Promise<unknown>, first: unknown, done: Done): void {
  const { plugin, hook, site } = place;
  let isOver = false;
  const finish = (isDone: boolean, value: unknown): void => {
    if (isOver) return;
    isOver = true;
    site.waits.end(wait);
    let result: unknown;
    let failure: Error | null = isDone ? null : asPluginError(place, value);
    try {
      if (isDone) result = accepted(place, value, first);
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
 * What a tap returned, where that fits; null counts as nothing.
 *
 * @throws HooklineError `HKL_TAP_RESULT`, and what the site and the caller of the hook find
 */
function accepted({ hook, site, rules }: TapPlace, result: unknown, first: unknown): unknown {
  const broken = site.inspect?.(hook);
  if (broken !== undefined) throw broken;
  const value = result ?? undefined;
  const { check, isWaterfall, verify } = rules;
  if (value !== undefined) {
    const found = check?.find(value);
    if (found !== undefined) throw new HooklineError('HKL_TAP_RESULT', `it returned ${found}`, { fix: check?.fix });
  }
  if (verify !== undefined) {
    const handedOn = value ?? (isWaterfall ? first : undefined);
    const refusal = handedOn === undefined ? undefined : verify(handedOn);
    if (refusal !== undefined) throw refusal;
  }
  return value;
}

/**
 * Wraps a tap as {@link guardAsyncTap} does, but an error is added to the list that the hook is called with after its
 * arguments, and the taps that follow run all the same.
 */
export function guardSettledTap(place: TapPlace, arity: number, fn: AnyFunction): (...args: never[]) => void {
  const guarded = guardAsyncTap(place, arity, fn) as (...args: unknown[]) => void;
  return (...args: readonly unknown[]) => {
    const given = args.slice(0, arity);
    const [failures, done] = args.slice(arity) as [unknown[], Done];
    guarded(...given, (error: unknown) => {
      if (error !== null && error !== undefined) failures.push(error);
      done(null);
    });
  };
}

/** Refuses what cannot be a tap, at the moment it is given. */
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
