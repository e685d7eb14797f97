import type { Communicator } from '@hookline/core';

type Write = typeof process.stdout.write;
type Output = Pick<NodeJS.WriteStream, 'write'>;

/** Environment variable set by `hookline launch --all-output`: all ranks write their messages, not only the first. */
export const ALL_OUTPUT = 'HOOKLINE_ALL_OUTPUT';

/**
 * Prefixes each line that this process writes with its rank. On ranks other than the first, standard output is
 * suppressed unless `all` is true, because all ranks print the same; standard error is not.
 *
 * @returns a function that restores the streams
 */
export function markOutput(
  { rank }: Pick<Communicator, 'rank'>,
  all: boolean,
  { stdout, stderr }: { readonly stdout: Output; readonly stderr: Output } = process,
): () => void {
  if (rank === 0) return () => undefined;
  const before = [stdout.write, stderr.write] as const;
  stdout.write = all ? prefixed(stdout, rank) : dropped;
  stderr.write = prefixed(stderr, rank);
  return () => {
    [stdout.write, stderr.write] = before;
  };
}

/** Writes whole lines only, because several ranks share one pipe. */
function prefixed(stream: Output, rank: number): Write {
  const write = stream.write.bind(stream) as (text: string, done?: unknown) => boolean;
  let begun = '';
  return (chunk: string | Uint8Array, encoding?: unknown, done?: unknown): boolean => {
    const text = begun + (typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
    const end = text.lastIndexOf('\n') + 1;
    begun = text.slice(end);
    const lines = text
      .slice(0, end)
      .split('\n')
      .slice(0, -1)
      .map((line) => `[rank ${rank}] ${line}\n`);
    return write(lines.join(''), typeof encoding === 'function' ? encoding : done);
  };
}

const dropped = ((_: unknown, encoding?: unknown, done?: unknown): boolean => {
  const call = typeof encoding === 'function' ? encoding : done;
  if (typeof call === 'function') queueMicrotask(() => (call as () => void)());
  return true;
}) as Write;
