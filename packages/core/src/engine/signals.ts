import type { RunControl } from '../services/control.ts';
import type { Logger } from '../services/logger.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Turns SIGINT and SIGTERM into a stop request while a training runs; a second one ends the process at once.
 *
 * @returns the function that gives the signals back
 */
export function stopOnSignals(control: RunControl, logger: Logger): () => void {
  let seen = false;
  const handler = (signal: NodeJS.Signals): void => {
    if (seen) process.exit(signal === 'SIGINT' ? 130 : 143);
    seen = true;
    control.interrupt(signal);
    logger.warn(`${signal}: stopping after this step (once more to quit at once)`);
  };
  for (const signal of SIGNALS) process.on(signal, handler);
  return () => {
    for (const signal of SIGNALS) process.off(signal, handler);
  };
}
