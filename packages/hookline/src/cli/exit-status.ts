/** Exit statuses of the command. For signals they are those that a shell reports for a process ended by the signal. */
export const EXIT = { ok: 0, failed: 1, usage: 2, SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGPIPE: 141 } as const;

/** The exit status of a training that a signal has stopped. `reason` begins with the signal's name; it may also name a rank. */
export function signalStatus(reason: string | undefined): number {
  const signal = /^SIG(TERM|HUP|PIPE)\b/.exec(reason ?? '')?.[0];
  return signal === undefined ? EXIT.SIGINT : EXIT[signal as 'SIGTERM' | 'SIGHUP' | 'SIGPIPE'];
}
