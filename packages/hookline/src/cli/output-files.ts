import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';

const KINDS: readonly (readonly [string, RegExp])[] = [
  ['metrics', /^metrics.*\.jsonl?$/],
  ['plot', /\.svg$/],
  ['picture', /\.png$/],
  ['events', /tfevents/],
  ['trace', /trace.*\.json$/],
];

/**
 * What a training has left in its folder, for people: `metrics: runs/x/metrics.json`.
 *
 * @param since files that are older belong to an earlier run; milliseconds
 */
export async function outputLines(folder: string, since: number): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(folder, { recursive: true });
  } catch {
    return [];
  }
  const lines: string[] = [];
  for (const [kind, pattern] of KINDS) {
    for (const name of names.sort()) {
      const path = join(folder, name);
      const base = name.slice(name.lastIndexOf('/') + 1);
      // File times may be coarser than the clock.
      if (pattern.test(base) && (await stat(path)).mtimeMs >= since - 2000) lines.push(line(kind, path));
    }
  }
  return lines;
}

/** `kind: path`, aligned, the path from here where it is below here. */
export function line(kind: string, path: string): string {
  return `${`${kind}:`.padEnd(12)}${shown(path)}`;
}

/** A path from the current folder where that is shorter to read. */
export function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' ? '.' : short.startsWith('..') ? path : short;
}
