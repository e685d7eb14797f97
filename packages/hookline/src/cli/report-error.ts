import { isHooklineError } from '@hookline/core';

/**
 * Formats an error: the message, then its causes, one line each. The stack is included on request, and for an error that
 * no Hookline error explains, because it is a bug in some code.
 */
export function formatError(error: unknown, { debug = false }: { readonly debug?: boolean } = {}): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.map((each) => formatError(each, { debug })).join('\n');
  }
  const chain = causesOf(error);
  const lines = chain.flatMap((link, index) => {
    const repeated = index > 0 && holds(messageOf(chain[index - 1]), link);
    return repeated ? [] : [`${index === 0 ? 'error: ' : '  caused by: '}${messageOf(link)}`];
  });
  const [last, wrapper] = chain.toReversed();
  const stack = debug ? stackOf(error) : isExplained(last, wrapper) ? undefined : stackOf(last, 4);
  return [...lines, ...(stack === undefined ? [] : [stack])].join('\n');
}

function causesOf(error: unknown): unknown[] {
  const chain = [error];
  let link = error;
  while (link instanceof Error && link.cause !== undefined && !chain.includes(link.cause)) {
    link = link.cause;
    chain.push(link);
  }
  return chain;
}

/** Whether a message says already what its cause says: often it ends with the message of the cause, or names the system's code. */
function holds(message: string, cause: unknown): boolean {
  const said = messageOf(cause)
    .replace(/^Error: /, '')
    .replace(/\.$/, '');
  const { code } = (cause ?? {}) as { readonly code?: unknown };
  return (
    message.includes(said) ||
    (typeof code === 'string' && message.includes(code)) ||
    (code === 'ENOENT' && message.includes('there is no such'))
  );
}

/**
 * Whether an error needs no stack: Hookline's own, and one of the system or of a library below a Hookline error that says what to
 * do about it. A TypeError and its like are bugs wherever they come from.
 */
function isExplained(last: unknown, wrapper: unknown): boolean {
  if (isHooklineError(last)) return true;
  const isBug = !(last instanceof Error) || last.name !== 'Error';
  return !isBug && isHooklineError(wrapper) && !wrapper.message.includes('cause below');
}

function messageOf(error: unknown): string {
  if (isHooklineError(error)) return error.message;
  if (error instanceof Error) return `${error.name}: ${error.message}`;
  return `a value that is no error was thrown: ${String(error)}`;
}

/** The frames of a stack; the short form leaves out those of Node and of installed packages. */
function stackOf(error: unknown, limit = Number.POSITIVE_INFINITY): string | undefined {
  if (!(error instanceof Error) || error.stack === undefined) return undefined;
  const frames = error.stack.split('\n').filter((line) => /^\s+at /.test(line));
  const shown = Number.isFinite(limit)
    ? frames.filter((line) => !/node:|node_modules/.test(line)).slice(0, limit)
    : frames;
  return shown.length === 0 ? undefined : shown.join('\n');
}
