import { HOOK_TABLE, type TapObserver } from '@hookline/core';

/** Tensors that exist, and their bytes. */
export interface TensorCount {
  readonly tensors: number;
  readonly bytes: number;
}

/** Tensors that a plugin's taps made and did not dispose, since the beginning. */
export interface Balance {
  /** In async hooks, where nobody tidies up: what is left stays. */
  readonly host: TensorCount;
  /** In sync hooks; what is left there is as a rule disposed at the end of the step. */
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
/** Hooks that plugins add are taken for hooks of the host. */
const isSync = (hook: string): boolean =>
  Object.hasOwn(HOOK_TABLE, hook) && HOOK_TABLE[hook as keyof typeof HOOK_TABLE].kind.startsWith('Sync');

/** Counts tensors before and after every tap; what taps within a tap leave is theirs alone. */
export class TapBalance implements TapObserver {
  readonly #count: () => TensorCount;
  readonly #balances = new Map<string, Balance>();
  #open: OpenTap[] = [];

  /** @param count how many tensors there are now */
  constructor(count: () => TensorCount) {
    this.#count = count;
  }

  /** By plugin. */
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
    // What was entered later and not left is gone with an error.
    this.#open = this.#open.slice(0, index);
    const left = minus(this.#count(), tap.before);
    const own = minus(left, tap.within);
    const { host, step } = this.#balances.get(plugin) ?? { host: NONE, step: NONE };
    this.#balances.set(plugin, isSync(hook) ? { host, step: add(step, own) } : { host: add(host, own), step });
    const outer = this.#open.at(-1);
    if (outer !== undefined) outer.within = add(outer.within, left);
  }
}
