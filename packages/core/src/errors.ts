import { types } from 'node:util';

/** What an error says besides its sentence. Every field that is given is printed. */
export interface ErrorDetails {
  /** Who caused it: a plugin, a file, an option. */
  readonly who?: string | undefined;
  /** Where it happened: a hook, an iteration, a position in a file. */
  readonly where?: string | undefined;
  /** What to do about it, as an instruction. */
  readonly fix?: string | undefined;
  /** The error underneath. It is kept, never swallowed. */
  readonly cause?: unknown;
}

/**
 * Base of every error that Hookline raises on purpose.
 *
 * `code` is stable across versions and is what programs should compare. The message reads
 * `[CODE] who: what happened (where). What to do.`
 */
export class HooklineError extends Error {
  override readonly name: string = 'HooklineError';
  readonly code: string;
  /** The sentence that says what happened. */
  readonly what: string;
  readonly who: string | undefined;
  readonly where: string | undefined;
  readonly fix: string | undefined;

  /**
   * @param code stable identifier, `HKL_` followed by capitals
   * @param what one sentence without a final full stop that says what happened
   */
  constructor(code: string, what: string, details: ErrorDetails = {}) {
    super(formatMessage(code, what, details), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.what = what;
    this.who = details.who;
    this.where = details.where;
    this.fix = details.fix;
  }
}

/** An error that came out of a plugin's tap, with the plugin, the hook and the iteration that raised it. */
export class PluginError extends HooklineError {
  override readonly name: string = 'PluginError';
  readonly plugin: string;
  readonly hook: string;
  readonly iteration: number | undefined;

  constructor(plugin: string, hook: string, iteration: number | undefined, cause: unknown) {
    super('HKL_PLUGIN_FAILED', `its tap failed: ${describeCause(cause).replace(/\.$/, '')}`, {
      who: plugin,
      where: iteration === undefined ? `hook ${hook}` : `hook ${hook}, iteration ${iteration}`,
      // An error of ours already says what to do, and is not printed a second time.
      fix: isHooklineError(cause) ? undefined : 'The cause below holds the original stack',
      cause: cause ?? new Error(`rejected with ${String(cause)}`),
    });
    this.plugin = plugin;
    this.hook = hook;
    this.iteration = iteration;
  }
}

/** True for an error with a Hookline code, also when another copy of this package raised it. */
export function isHooklineError(error: unknown, code?: string): error is HooklineError {
  const found = error instanceof Error ? (error as Partial<HooklineError>).code : undefined;
  return typeof found === 'string' && found.startsWith('HKL_') && (code === undefined || found === code);
}

/**
 * The message of whatever was thrown. The message of its cause is added where the error does not quote it, as with
 * `fetch failed`.
 */
export function describeCause(cause: unknown): string {
  if (!isError(cause))
    return typeof cause === 'string' ? cause : `a value that is no error was thrown: ${String(cause)}`;
  const { message } = cause;
  if (isHooklineError(cause) || !isError(cause.cause)) return message;
  // Node's AggregateError for several addresses has a code and an empty message.
  const below = cause.cause.message || ((cause.cause as NodeJS.ErrnoException).code ?? cause.cause.name);
  return message.includes(below) ? message : `${message}: ${below}`;
}

/** Also for an error of another realm, such as one of Node's own in a test runner. */
export const isError = (value: unknown): value is Error => value instanceof Error || types.isNativeError(value);

function formatMessage(code: string, what: string, { who, where, fix }: ErrorDetails): string {
  const subject = who === undefined ? '' : `${who}: `;
  const place = where === undefined ? '' : ` (${where})`;
  const advice = fix === undefined ? '' : ` ${/[.!?]$/.test(fix) ? fix : `${fix}.`}`;
  return `[${code}] ${subject}${what}${place}.${advice}`;
}
