import { HOOK_TABLE, type TapObserver } from '@hookline/core';

/** Number of existing tensors, and their bytes. */
export interface TensorCount {
  readonly tensors: number;
  readonly bytes: number;
}

/** Tensors that a plugin's taps have created and not disposed of so far. */
export interface Balance {
  /** In async hooks, where nothing disposes of tensors automatically. */
  readonly host: TensorCount;
  /** In sync hooks, whose tensors are usually disposed of at the end of the step. */
  readonly step: TensorCount;
}

interface OpenTap {
  readonly plugin: string;
  readonly hook: string;
  readonly before: TensorCount;
  within: TensorCount;
}

const NONE: TensorCount = { tensors: 0, bytes: 0 };
const add = (a: TensorCount, b: TensorCount): TensorCount => ({
  tensors: a.tensors + b.tensors,
  bytes: a.bytes + b.bytes,
});
const minus = (a: TensorCount, b: TensorCount): TensorCount => ({
  tensors: a.tensors - b.tensors,
  bytes: a.bytes - b.bytes,
});
/** Whether a hook runs inside the step. Hooks that plugins add count as host hooks. */
const isSync = (hook: string): boolean =>
  Object.hasOwn(HOOK_TABLE, hook) && HOOK_TABLE[hook as keyof typeof HOOK_TABLE].kind.startsWith('Sync');

/** Counts tensors before and after every tap. Tensors of nested taps are attributed only to the nested tap. */
export class TapBalance implements TapObserver {
  readonly #count: () => TensorCount;
  readonly #balances = new Map<string, Balance>();
  #open: OpenTap[] = [];

  /** @param count returns the current number of tensors */
  constructor(count: () => TensorCount) {
    this.#count = count;
  }

  /** The counts by plugin. */
  get balances(): ReadonlyMap<string, Balance> {
    return this.#balances;
  }

  enter(plugin: string, hook: string): void {
    this.#open.push({ plugin, hook, before: this.#count(), within: NONE });
  }

  leave(plugin: string, hook: string): void {
    const index = this.#open.findLastIndex((tap) => tap.plugin === plugin && tap.hook === hook);
    const tap = this.#open[index];
    if (tap === undefined) return;
    // Taps that were entered later and not left have ended with an error.
    this.#open = this.#open.slice(0, index);
    const left = minus(this.#count(), tap.before);
    const own = minus(left, tap.within);
    const { host, step } = this.#balances.get(plugin) ?? { host: NONE, step: NONE };
    this.#balances.set(plugin, isSync(hook) ? { host, step: add(step, own) } : { host: add(host, own), step });
    const outer = this.#open.at(-1);
    if (outer !== undefined) outer.within = add(outer.within, left);
  }
}
