import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';

export interface CommandOptions {
  /** The whole process group is killed after this many milliseconds. */
  readonly timeoutMs: number;
  readonly cwd?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Called with every complete line of stdout and stderr as it arrives. */
  readonly onLine?: ((line: string) => void) | undefined;
}

export interface CommandResult {
  readonly ok: boolean;
  /** Exit code; `undefined` when the process was killed or never started. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** One phrase that says why it failed, or an empty string. */
  readonly problem: string;
}

const KEPT_CHARACTERS = 200_000;
/** What ends this process and is told to it; SIGHUP when its terminal is closed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Commands that may take longer than this are ended also when this process is killed. */
const GUARDED_MS = 30_000;

/**
 * Runs a program without a shell and never rejects: a missing program, a failure and a timeout are results.
 *
 * The child gets its own process group, so that a timeout also ends what it has started itself. It does not outlive this
 * process, however that ends.
 */
export function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const { timeoutMs, cwd, env, onLine } = options;
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      detached: process.platform !== 'win32',
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env }),
    });
    let timedOut = false;
    let settled = false;
    const stdout = collect(child.stdout, onLine);
    const stderr = collect(child.stderr, onLine);
    const kill = () => {
      killGroup(child.pid);
    };
    const timer = setTimeout(() => {
      timedOut = true;
      kill();
      // A grandchild that left the group can hold the pipes open for ever, and with them the 'close' event.
      setTimeout(() => {
        finish(undefined, '');
      }, 2_000).unref();
    }, timeoutMs);
    process.once('exit', kill);
    const interrupt = (signal: NodeJS.Signals) => {
      kill();
      // A group of its own does not get the terminal's Ctrl-C. Whoever else listens decides what happens next.
      if (process.listenerCount(signal) === 0) process.exit(128 + constants.signals[signal]);
    };
    for (const signal of SIGNALS) process.once(signal, interrupt);
    const guard = timeoutMs >= GUARDED_MS ? guardGroup(child.pid) : undefined;

    const finish = (code: number | undefined, startProblem: string) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      process.off('exit', kill);
      for (const signal of SIGNALS) process.off(signal, interrupt);
      guard?.kill('SIGKILL');
      child.stdout.destroy();
      child.stderr.destroy();
      const problem = timedOut
        ? `${command} did not finish within ${String(Math.round(timeoutMs / 1000))} s`
        : startProblem ||
          (code === 0 ? '' : `${command} ended with ${code === undefined ? 'a signal' : `code ${String(code)}`}`);
      resolve({ ok: problem === '', code, stdout: stdout.text(), stderr: stderr.text(), problem });
    };
    child.once('error', (error: NodeJS.ErrnoException) => {
      finish(undefined, error.code === 'ENOENT' ? `${command} was not found` : `${command}: ${error.message}`);
    });
    child.once('close', (code) => {
      finish(code ?? undefined, '');
    });
  });
}

/**
 * Ends a process group when this process ends in a way that it is not told of, as by SIGKILL: the guard reads from a pipe
 * that the system closes then. Short commands go without.
 */
function guardGroup(pid: number | undefined): ChildProcess | undefined {
  if (pid === undefined || process.platform === 'win32') return undefined;
  const script = 'read line; kill -s KILL -- "-$1"';
  const guard = spawn('/bin/sh', ['-c', script, 'sh', String(pid)], {
    detached: true,
    env: {},
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Where there is no shell the signals are all there is.
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
  guard.unref();
  (guard.stdin as { unref?: () => void }).unref?.();
  return guard;
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

function collect(stream: NodeJS.ReadableStream, onLine: ((line: string) => void) | undefined): { text(): string } {
  let all = '';
  let pending = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    all = (all + chunk).slice(-KEPT_CHARACTERS);
    if (onLine === undefined) return;
    // Progress bars redraw one line with carriage returns.
    const lines = (pending + chunk).split(/[\r\n]+/);
    pending = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') onLine(line);
  });
  stream.on('end', () => {
    if (pending.trim() !== '') onLine?.(pending);
  });
  return { text: () => all };
}
