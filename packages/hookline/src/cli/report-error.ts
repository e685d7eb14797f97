import { isHooklineError } from '@hookline/core';

/**
 * Formats an error: the message, then its causes, one line each. The stack is included for an error that is
 * not Hookline's own, which is a bug in some code, and on request.
 */
export function formatError(error: unknown, { debug = false }: { readonly debug?: boolean } = {}): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.map((each) => formatError(each, { debug })).join('\n');
  }
  const chain = causesOf(error);
  const lines = chain.flatMap((link, index) => {
    const said = messageOf(link);
    // A message often ends with the message of its cause; do not repeat it.
    const repeated = index > 0 && messageOf(chain[index - 1]).includes(said.replace(/\.$/, ''));
    return repeated ? [] : [`${index === 0 ? 'error: ' : '  caused by: '}${said}`];
  });
  const last = chain.at(-1);
  const stack = debug ? stackOf(error) : isHooklineError(last) ? undefined : stackOf(last, 4);
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
