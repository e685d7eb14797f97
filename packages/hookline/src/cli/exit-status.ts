/** Exit statuses of the command. Those of signals are what a shell reports for a process that a signal has ended. */
export const EXIT = { ok: 0, failed: 1, usage: 2, SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGPIPE: 141 } as const;

/** The status of a training that a signal has ended gracefully; the reason may add which rank it came to. */
export function signalStatus(reason: string | undefined): number {
  const signal = /^SIG(TERM|HUP|PIPE)\b/.exec(reason ?? '')?.[0];
  return signal === undefined ? EXIT.SIGINT : EXIT[signal as 'SIGTERM' | 'SIGHUP' | 'SIGPIPE'];
}
