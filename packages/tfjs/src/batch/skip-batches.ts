import { setImmediate as nextMacrotask } from 'node:timers/promises';

/** The callbacks of {@link skipBatches}. */
export interface SkipHandlers {
  /** Called with each skipped batch. */
  readonly passed: (batch: unknown) => void;
  /** Makes the error for data that end before the position. */
  readonly ended: () => Error;
  readonly log?: ((line: string) => void) | undefined;
}

/** Milliseconds between two pauses in which signals and timers run. */
const BUDGET = 50;
/** Milliseconds until the first log line, and between later ones. */
const [FIRST_LINE, NEXT_LINE] = [2_000, 10_000];

/**
 * Takes `count` batches from an iterator, one after the other, and drops them. It logs its progress when that takes
 * long. Its memory use does not depend on `count`.
 */
export async function skipBatches(
  iterator: Iterator<unknown> | AsyncIterator<unknown>,
  count: number,
  { passed, ended, log }: SkipHandlers,
): Promise<void> {
  const start = performance.now();
  let [lastBreath, nextLine] = [start, start + FIRST_LINE];
  const seconds = (now: number): string => ((now - start) / 1000).toFixed(0);
  for (let done = 0; done < count; done++) {
    const taken = iterator.next();
    const result = taken instanceof Promise ? await taken : taken;
    if (result.done === true) throw ended();
    passed(result.value);
    const now = performance.now();
    if (now >= nextLine) {
      nextLine = now + NEXT_LINE;
      log?.(
        `resuming: ${done + 1} of ${count} batches passed over in ${seconds(now)} s; data with state() and restore(), such as ArrayLoader, need not be read again`,
      );
    }
    if (now - lastBreath < BUDGET) continue;
    // Without this pause, no signal would be handled until the end.
    await nextMacrotask();
    lastBreath = performance.now();
  }
  if (nextLine > start + FIRST_LINE)
    log?.(`resuming: the data are at batch ${count}, after ${seconds(performance.now())} s`);
}
