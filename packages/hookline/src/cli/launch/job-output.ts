/** A failed rank that has ended the job, as reported by `mpirun`. */
export interface RankEnd {
  /** Undefined if neither `mpirun` nor the rank itself has reported it. */
  readonly rank: number | undefined;
  readonly pid?: number;
  readonly host?: string;
  /** Number of the signal that killed it; undefined if none did. */
  readonly signal?: number;
  readonly exitCode?: number;
}

/** Lines that frame the reports of `mpirun` on a failed process: Open MPI's and MPICH's. */
const FRAME = /^(-{70,}|={50,})$/;
/** Longer than any of those reports. If a user prints such a frame, the text is shown after this many lines. */
const LONGEST_REPORT = 24;
/** Number of recent lines that are remembered, so that a message from several ranks is shown once. */
const REMEMBERED = 10_000;
/** Delay in milliseconds before a line of another rank is shown, because the first rank usually writes the same line itself. */
const LATE_MS = 400;
const CLEAR = '\r\u001b[K';

/**
 * Forwards the standard error of a job's ranks. A message of several ranks is shown once, lines of
 * other ranks do not run into the progress line of the first one, and the reports of `mpirun` on a failed rank are
 * collected in {@link JobOutput.ends} instead of being shown.
 */
export class JobOutput {
  readonly #write: (text: string) => void;
  readonly #all: boolean;
  readonly #firstBy = new Map<string, number>();
  readonly #ends: RankEnd[] = [];
  readonly #ranks: Map<number, number>;
  #held = '';
  /** Lines of other ranks that wait to be shown. */
  readonly #late: { readonly rank: number; readonly message: string }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #report: string[] | undefined;
  /** Whether the last line written has no line break, such as the progress line. */
  #isWithinLine = false;
  /** Number of lines that were left out because another rank had written the same. */
  repeated = 0;

  /**
   * @param all whether to show messages that repeat those of another rank
   * @param ranks is filled with the rank of each process id, as the ranks report them
   */
  constructor(write: (text: string) => void, all: boolean, ranks = new Map<number, number>()) {
    this.#ranks = ranks;
    this.#write = write;
    this.#all = all;
  }

  /** The failed ranks, in the order of `mpirun`'s reports. */
  get ends(): readonly RankEnd[] {
    return this.#ends;
  }

  take(text: string): void {
    const lines = (this.#held + text).split('\n');
    this.#held = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
    // The progress line, or a user's text without a line break. Messages of other ranks arrive as whole lines.
    if (this.#held === '' || this.#report !== undefined || /^[[=-]/.test(this.#held)) return;
    this.#write(this.#held);
    this.#held = '';
    this.#isWithinLine = true;
  }

  /** Shows what is still held back; call it after all input has arrived. */
  end(): void {
    if (this.#held !== '') this.#line(this.#held);
    this.#held = '';
    this.#letThrough();
    this.#showLate();
  }

  #line(line: string): void {
    if (this.#report !== undefined) {
      this.#report.push(line);
      if (FRAME.test(line)) this.#closeReport();
      else if (this.#report.length > LONGEST_REPORT) this.#letThrough();
      return;
    }
    if (FRAME.test(line)) {
      this.#report = [line];
      return;
    }
    const [, self, pid] = SELF.exec(line) ?? [];
    if (self !== undefined) this.#ranks.set(Number(pid), Number(self));
    const [, signal] = KILLED.exec(line) ?? [];
    if (signal !== undefined) this.#noteSignal(Number(signal));
    if (self !== undefined || signal !== undefined || ASIDE.test(line)) return;
    const [, rank, message] = /^\[rank (\d+)\] (.*)$/s.exec(line) ?? [];
    if (rank === undefined || message === undefined) {
      this.#isRepeated(line, 0);
      this.#write(`${line}\n`);
      this.#isWithinLine = false;
      return;
    }
    this.#late.push({ rank: Number(rank), message });
    this.#timer ??= setTimeout(() => this.#showLate(), LATE_MS);
  }

  /** Shows the lines of other ranks that the first rank has not written in the meantime. */
  #showLate(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { rank, message } of this.#late.splice(0)) {
      if (this.#isRepeated(message, rank)) continue;
      this.#write(`${this.#isWithinLine ? CLEAR : ''}[rank ${rank}] ${message}\n`);
      this.#isWithinLine = false;
    }
  }

  #isRepeated(message: string, rank: number): boolean {
    if (this.#all || message === '') return false;
    const text = message.replace(CLEAR, '');
    const first = this.#firstBy.get(text);
    if (first === undefined) {
      if (this.#firstBy.size < REMEMBERED) this.#firstBy.set(text, rank);
      return false;
    }
    if (first === rank || rank === 0) return false;
    this.repeated++;
    return true;
  }

  #closeReport(): void {
    const text = (this.#report ?? []).join('\n');
    // MPICH's frame encloses several parts.
    const isWhole = !/^=.*BAD TERMINATION/ms.test(text) || /EXIT CODE|KILLED BY/.test(text);
    if (!isWhole) return;
    const end = this.#readEnd(text);
    if (end !== undefined) this.#ends.push(end);
    if (end !== undefined || NOISE.test(text)) this.#report = undefined;
    else this.#letThrough();
  }

  /** MPICH reports a signal as an exit status; a line below the report says that it is a signal. */
  #noteSignal(signal: number): void {
    const end = this.#ends.at(-1);
    if (end?.exitCode !== signal) return;
    const { exitCode: _, ...rest } = end;
    this.#ends[this.#ends.length - 1] = { ...rest, signal };
  }

  #readEnd(text: string): RankEnd | undefined {
    const end = readEnd(text);
    return end?.pid === undefined || end.rank !== undefined ? end : { ...end, rank: this.#ranks.get(end.pid) };
  }

  #letThrough(): void {
    const lines = this.#report ?? [];
    this.#report = undefined;
    for (const line of lines) this.#write(`${line}\n`);
  }
}

/** Reports that add nothing to what a rank has written itself. */
const NOISE =
  /Primary job\s+terminated normally|MPI_ABORT was invoked|has exited due to process rank|CLEANING UP REMAINING/;

/** Lines to leave out: Open MPI's on aggregated reports and on the signal that the launcher has sent, and MPICH's on operations that a step has aborted. */
const ASIDE =
  /^\[[\w.-]+:\d+\] (\d+ more process(es)? ha(s|ve) sent help message|Set MCA parameter "orte_base_help|\[\[\d+,\d+\],\d+\] ORTE_ERROR_LOG)|^mpirun: Forwarding signal|^This typically refers to a problem with your application\.$|^Please see the FAQ page for debugging suggestions$|UCX {2}WARN .*(not returned to mpool|tag-receive descriptor)/;

/** The line by which MPICH reports a signal. */
const KILLED = /^YOUR APPLICATION TERMINATED WITH THE EXIT STRING: .*\(signal (\d+)\)$/;

/** The line by which a rank tells the launcher its process id. */
const SELF = /^\[hookline: rank (\d+) is process (\d+)\]$/;

/** A line that a rank writes to standard error for the launcher. */
export const tellProcess = (rank: number, pid: number): string => `[hookline: rank ${rank} is process ${pid}]\n`;

function readEnd(text: string): RankEnd | undefined {
  const killed = /process rank (\d+) with PID (\d+) on node (\S+) exited on\s+signal (\d+)/.exec(text);
  if (killed !== null) {
    const [, rank, pid, host, signal] = killed;
    return { rank: Number(rank), pid: Number(pid), host: host as string, signal: Number(signal) };
  }
  const exited = /Process name: \[\[\d+,\d+\],(\d+)\]\s+Exit code:\s+(\d+)/.exec(text);
  if (exited !== null) return { rank: Number(exited[1]), exitCode: Number(exited[2]) };
  const hydra = /(?:RANK (\d+) )?PID (\d+) RUNNING AT (\S+)[\s=]+(?:KILLED BY SIGNAL: (\d+)|EXIT CODE: (\d+))/.exec(
    text,
  );
  if (hydra === null) return undefined;
  const [, rank, pid, host, signal, exitCode] = hydra;
  return {
    ...{ rank: rank === undefined ? undefined : Number(rank), pid: Number(pid), host: host as string },
    ...(signal === undefined ? { exitCode: Number(exitCode) } : { signal: Number(signal) }),
  };
}
