import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { line } from './print.ts';

const KINDS: readonly (readonly [string, RegExp])[] = [
  ['metrics', /^metrics.*\.jsonl?$/],
  ['plot', /\.svg$/],
  ['picture', /\.png$/],
  ['events', /tfevents/],
  ['trace', /trace.*\.json$/],
];

/**
 * Lists the files that a training has written to its folder: `metrics: runs/x/metrics.json`.
 *
 * @param since start of the run in milliseconds since the epoch; older files belong to an earlier run
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
      // File times may have a lower resolution than the clock.
      if (pattern.test(base) && (await stat(path)).mtimeMs >= since - 2000) lines.push(line(kind, path));
    }
  }
  return lines;
}
