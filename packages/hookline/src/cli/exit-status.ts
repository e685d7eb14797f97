/** Exit statuses of the command. Those of signals are what a shell reports for a process that a signal has ended. */
export const EXIT = { ok: 0, failed: 1, usage: 2, SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGPIPE: 141 } as const;

/** The status of a training that a signal has ended gracefully. */
export function signalStatus(reason: string | undefined): number {
  return reason === 'SIGTERM' || reason === 'SIGHUP' || reason === 'SIGPIPE' ? EXIT[reason] : EXIT.SIGINT;
}
