import type { RunControl } from '../services/control.ts';
import type { Logger } from '../services/logger.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** One Ctrl-C may arrive twice: from the terminal, and once more from npm, which passes it on to what it runs. */
const ECHO_MS = 300;

/**
 * Turns SIGINT and SIGTERM into a stop request while a training runs; a second one ends the process at once.
 *
 * @returns the function that gives the signals back
 */
export function stopOnSignals(control: RunControl, logger: Logger): () => void {
  let first: number | undefined;
  const handler = (signal: NodeJS.Signals): void => {
    if (first !== undefined) {
      if (performance.now() - first < ECHO_MS) return;
      process.exit(signal === 'SIGINT' ? 130 : 143);
    }
    first = performance.now();
    control.interrupt(signal);
    logger.warn(`${signal}: stopping after this step (once more to quit at once)`);
  };
  for (const signal of SIGNALS) process.on(signal, handler);
  return () => {
    for (const signal of SIGNALS) process.off(signal, handler);
  };
}
