import {
  AsyncSeriesBailHook,
  AsyncSeriesHook,
  AsyncSeriesWaterfallHook,
  SyncBailHook,
  SyncHook,
  SyncWaterfallHook,
} from 'tapable';
import { HooklineError } from '../errors.ts';
import { asOne } from '../throw-all.ts';
import { assertTap, wrapAsyncTap, wrapSettledTap, wrapSyncTap, type TapRules } from './wrap-tap.ts';
import type { HookSite } from './hook-site.ts';
import type { CallArguments, CallResult, HookKind, HookSpec, TapFunction } from './hook-spec.ts';

/** A hook as a plugin sees it: the plugin can tap it and nothing else. */
export interface HookFacade<S extends HookSpec = HookSpec> {
  /** Adds a tap, which runs at the plugin's position in the order of plugins. */
  tap(fn: TapFunction<S>): void;
}

interface TapableHook {
  readonly taps: readonly { readonly name: string }[];
  tap(name: string, fn: unknown): void;
  tapAsync(name: string, fn: unknown): void;
  call(...args: unknown[]): unknown;
  callAsync(...args: unknown[]): void;
}

const CLASSES = {
  Sync: SyncHook,
  SyncBail: SyncBailHook,
  SyncWaterfall: SyncWaterfallHook,
  AsyncSeries: AsyncSeriesHook,
  AsyncSeriesSettled: AsyncSeriesHook,
  AsyncSeriesBail: AsyncSeriesBailHook,
  AsyncSeriesWaterfall: AsyncSeriesWaterfallHook,
} satisfies Record<HookKind, unknown>;

/** One tapable hook of one trainer, with wrapped taps and a seal. Its owner calls it; plugins get facades. */
export class Hook<S extends HookSpec = HookSpec> {
  readonly name: string;
  readonly spec: S;
  readonly #site: HookSite;
  #hook: TapableHook;
  readonly #isSync: boolean;
  readonly #rules: TapRules;
  #sealed = false;

  constructor(name: string, spec: S, site: HookSite) {
    this.name = name;
    this.spec = spec;
    this.#site = site;
    this.#isSync = spec.kind.startsWith('Sync');
    this.#rules = {
      check: spec.check,
      isWaterfall: spec.kind.endsWith('Waterfall'),
      callerCheck: undefined,
      isDone: undefined,
    };
    this.#hook = makeHook(name, spec);
  }

  /**
   * For the caller of the hook: sets a further check, beside that of the hook's table, of what each tap returns or, in
   * a waterfall, hands on. The check returns an error where the value does not fit; the error that is thrown names the
   * plugin. Undefined removes the check.
   */
  setCallerCheck(check: ((result: unknown) => HooklineError | undefined) | undefined): void {
    this.#rules.callerCheck = check;
  }

  /**
   * For the caller of a sync hook: asked before each tap; once it says true, the taps that are left are not called, and the
   * hook gives what the taps before gave. Undefined removes the condition.
   */
  stopWhen(isDone: (() => boolean) | undefined): void {
    this.#rules.isDone = isDone;
  }

  /** Who taps this hook, in the order in which they run. */
  get taps(): readonly string[] {
    return this.#hook.taps.map((tap) => tap.name);
  }

  /** Whether anybody taps this hook. */
  get used(): boolean {
    return this.#hook.taps.length > 0;
  }

  /** The facade through which `plugin` taps this hook. */
  facade(plugin: string): HookFacade<S> {
    return Object.freeze({ tap: (fn: TapFunction<S>) => this.#tap(plugin, fn) });
  }

  /** Drops all taps and allows new ones. tapable cannot remove a tap, so a new tapable hook is made. */
  open(): void {
    this.#hook = makeHook(this.name, this.spec);
    this.#sealed = false;
  }

  /** Refuses further taps, so that what a step runs stays the same for the whole training. */
  seal(): void {
    this.#sealed = true;
  }

  /**
   * Calls the taps. Async kinds return their value directly when every tap was synchronous, so that such a call costs
   * no promise; otherwise they return a promise.
   *
   * @throws PluginError (or a promise rejected with it) when a tap fails; AsyncSeriesSettled throws an AggregateError
   * of them when several do
   */
  call(...args: CallArguments<S>): CallResult<S> {
    return this.#call(...args) as CallResult<S>;
  }

  #call(...args: readonly unknown[]): unknown {
    if (this.#isSync) return this.#hook.call(...args);
    if (this.#hook.taps.length === 0) return this.spec.kind === 'AsyncSeriesWaterfall' ? args[0] : undefined;
    // One list for each call, since two calls may be under way at once.
    const failures: unknown[] | undefined = this.spec.kind === 'AsyncSeriesSettled' ? [] : undefined;
    const given = failures === undefined ? args : [...args, failures];
    let settled = false as boolean;
    let failure: unknown;
    let value: unknown;
    let resolve: ((value: unknown) => void) | undefined;
    let reject: ((error: unknown) => void) | undefined;
    this.#hook.callAsync(...given, (thrown: unknown, result: unknown) => {
      settled = true;
      const error = failures === undefined ? thrown : asOne(failures);
      if (error !== null && error !== undefined) {
        failure = error;
        reject?.(error);
      } else {
        value = result;
        resolve?.(result);
      }
    });
    if (settled) {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- always a PluginError, see wrapAsyncTap
      if (failure !== undefined) throw failure;
      return value;
    }
    return new Promise((onValue, onError) => {
      resolve = onValue;
      reject = onError;
    });
  }

  #tap(plugin: string, fn: unknown): void {
    if (this.#sealed) {
      throw new HooklineError('HKL_TAP_AFTER_SEAL', 'hooks cannot be tapped once the plugins are set up', {
        who: plugin,
        where: `hook ${this.name}`,
        fix: "Tap within the plugin's setup function",
      });
    }
    const { kind, args } = this.spec;
    assertTap(plugin, this.name, kind, fn);
    const place = { plugin, hook: this.name, site: this.#site, rules: this.#rules };
    if (this.#isSync) this.#hook.tap(plugin, wrapSyncTap(place, fn));
    else if (kind === 'AsyncSeriesSettled') this.#hook.tapAsync(plugin, wrapSettledTap(place, args.length, fn));
    else this.#hook.tapAsync(plugin, wrapAsyncTap(place, args.length, fn));
  }
}

function makeHook(name: string, { kind, args }: HookSpec): TapableHook {
  const HookClass = CLASSES[kind] as unknown as new (args: readonly string[], name: string) => TapableHook;
  return new HookClass(kind === 'AsyncSeriesSettled' ? [...args, 'failures'] : args, name);
}
