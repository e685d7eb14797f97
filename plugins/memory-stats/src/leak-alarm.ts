import type { Balance } from './tap-balance.ts';

/** A detected leak: the number of tensors and the plugins that left them during the window. */
export interface Leak {
  /** Increase in the number of tensors over the window. */
  readonly growth: number;
  /** Number of steps in the window. */
  readonly steps: number;
  /** Plugins whose taps on the host left tensors, in decreasing order. */
  readonly plugins: readonly { readonly plugin: string; readonly tensors: number }[];
  /** Tensors that none of these plugins left: they come from the step itself, its model or its sync taps. */
  readonly unexplained: number;
}

/** Watches the number of tensors after each step, over a window of steps. */
export class LeakAlarm {
  readonly #window: number;
  #counts: number[] = [];
  #start = new Map<string, number>();

  constructor(window: number) {
    this.#window = window;
  }

  /**
   * Adds a step.
   *
   * @returns the leak, at the end of a window in which the smallest number of tensors rose from each quarter to the
   *   next. A temporary peak, or a cache that fills once, does not cause this
   */
  step(tensors: number, balances: ReadonlyMap<string, Balance>): Leak | undefined {
    if (this.#counts.length === 0) this.#start = hostTensors(balances);
    this.#counts.push(tensors);
    if (this.#counts.length <= this.#window) return undefined;
    const counts = this.#counts;
    const start = this.#start;
    this.#counts = [tensors];
    this.#start = hostTensors(balances);
    const quarter = Math.floor(counts.length / 4);
    const minima = [0, 1, 2, 3].map((i) =>
      Math.min(...counts.slice(i * quarter, i === 3 ? undefined : (i + 1) * quarter)),
    );
    if (!minima.every((least, i) => i === 0 || least > (minima[i - 1] ?? Infinity))) return undefined;
    const plugins = [...hostTensors(balances)]
      .map(([plugin, now]) => ({ plugin, tensors: now - (start.get(plugin) ?? 0) }))
      .filter((left) => left.tensors > 0)
      .sort((a, b) => b.tensors - a.tensors);
    const growth = tensors - (counts[0] as number);
    const explained = plugins.reduce((sum, left) => sum + left.tensors, 0);
    return { growth, steps: counts.length - 1, plugins, unexplained: Math.max(0, growth - explained) };
  }
}

/** Formats a leak as a warning. */
export function describeLeak({ growth, steps, plugins, unexplained }: Leak, syncPlugins: readonly string[]): string {
  const within = syncPlugins.length === 0 ? '' : `, or what ${syncPlugins.join(', ')} keeps in sync hooks`;
  const parts = plugins.map(({ plugin, tensors }) => `${plugin} leaves ${(tensors / steps).toPrecision(2)} per step`);
  if (unexplained > growth / 10) {
    parts.push(
      `${(unexplained / steps).toPrecision(2)} per step come from elsewhere: the step itself, with model and data${within}`,
    );
  }
  return (
    `tensors leak: ${growth} more after ${steps} steps. ${parts.join('; ')}. ` +
    'Dispose what is not needed any more: tf.tidy around calculations, dispose() for what outlives them.'
  );
}

function hostTensors(balances: ReadonlyMap<string, Balance>): Map<string, number> {
  return new Map([...balances].map(([plugin, { host }]) => [plugin, host.tensors]));
}
