import { definePlugin, type Plugin, type TapObserver, tapsRef } from '@hookline/core';

/** One tap that ran. */
export interface TraceEntry {
  readonly plugin: string;
  readonly hook: string;
}

/** A plugin that records the taps of all plugins of a trainer, in the order in which they run. */
export function traceHooks(): {
  readonly plugin: Plugin;
  readonly entries: readonly TraceEntry[];
  of(plugin: string): readonly string[];
} {
  const entries: TraceEntry[] = [];
  const plugin = definePlugin({
    name: '@hookline/testing/trace-hooks',
    version: '0.1.0',
    requires: { taps: tapsRef },
    setup({ taps }) {
      const observer: TapObserver = {
        enter: (by, hook) => void entries.push({ plugin: by, hook }),
        leave: () => undefined,
      };
      return { dispose: taps.observe(observer) };
    },
  })();
  return { plugin, entries, of: (name) => entries.filter((entry) => entry.plugin === name).map(({ hook }) => hook) };
}
