import type { Communicator } from '@hookline/core';

type Write = typeof process.stdout.write;
type Output = Pick<NodeJS.WriteStream, 'write'>;

/** Whether all ranks write their messages, not the first one alone: `hookline launch --all-output` sets it. */
export const ALL_OUTPUT = 'HOOKLINE_ALL_OUTPUT';

/**
 * Names the rank in front of each line that this process writes. Of ranks other than the first, standard output is left
 * out, since all of them print the same, unless `all` asks for it; what goes to standard error is not.
 *
 * @returns the function that gives the streams back
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

/** Lines arrive as a whole: those of several ranks go into one pipe. */
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
