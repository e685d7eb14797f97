import { HooklineError, PluginError } from '../errors.ts';
import type { HookKind } from './hook-spec.ts';
import type { HookSite } from './hook-site.ts';

/** The name under which the engine itself taps. Its errors say by themselves whom they are about. */
export const ENGINE = 'hookline';

type AnyFunction = (...args: unknown[]) => unknown;
type Done = (error?: Error | null, result?: unknown) => void;

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  value !== null && typeof value === 'object' && typeof (value as { then?: unknown }).then === 'function';

/**
 * Wraps a tap of a sync hook: its errors name plugin, hook and iteration, and a promise is refused,
 * since nobody would await it.
 */
export function guardSyncTap(plugin: string, hook: string, site: HookSite, fn: AnyFunction): AnyFunction {
  return (a, b, c) => {
    const { observer } = site;
    observer?.enter(plugin, hook);
    try {
      const result = fn(a, b, c);
      if (isThenable(result)) {
        // The promise is dropped; without a handler its rejection would end the process with a second message.
        result.then(undefined, () => undefined);
        throw asyncInSyncHook(plugin, hook);
      }
      return result ?? undefined;
    } catch (error) {
      throw asPluginError(plugin, hook, site, error);
    } finally {
      observer?.leave(plugin, hook);
    }
  };
}

/**
 * Wraps a tap of an async hook in tapable's callback form. A tap that returns no promise completes within the
 * call and costs none; one that throws, or rejects with whatever value, reaches the callback as an error. (With
 * tapable's own `tapPromise` a later tap that throws synchronously leaves the caller waiting for ever.)
 */
export function guardAsyncTap(
  plugin: string,
  hook: string,
  site: HookSite,
  arity: number,
  fn: AnyFunction,
): (...args: never[]) => void {
  const run = (done: Done, a?: unknown, b?: unknown, c?: unknown): void => {
    const { observer } = site;
    observer?.enter(plugin, hook);
    let result: unknown;
    try {
      result = fn(a, b, c);
    } catch (error) {
      observer?.leave(plugin, hook);
      done(asPluginError(plugin, hook, site, error));
      return;
    }
    if (isThenable(result)) {
      result.then(
        (value) => {
          observer?.leave(plugin, hook);
          done(null, value ?? undefined);
        },
        (error: unknown) => {
          observer?.leave(plugin, hook);
          done(asPluginError(plugin, hook, site, error));
        },
      );
      return;
    }
    observer?.leave(plugin, hook);
    done(null, result ?? undefined);
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

/**
 * Wraps a tap as {@link guardAsyncTap} does, but an error is added to the list that the hook is called with after its
 * arguments, and the taps that follow run all the same.
 */
export function guardSettledTap(
  plugin: string,
  hook: string,
  site: HookSite,
  arity: number,
  fn: AnyFunction,
): (...args: never[]) => void {
  const guarded = guardAsyncTap(plugin, hook, site, arity, fn) as (...args: unknown[]) => void;
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

function asPluginError(plugin: string, hook: string, site: HookSite, error: unknown): HooklineError {
  const isNamed = error instanceof PluginError || (plugin === ENGINE && error instanceof HooklineError);
  return isNamed ? error : new PluginError(plugin, hook, site.iteration, error);
}
