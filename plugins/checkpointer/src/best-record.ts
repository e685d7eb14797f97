import { readFile } from 'node:fs/promises';
import { writeFileAtomically } from '@hookline/core';
import { z } from 'zod';

const schema = z.object({
  metric: z.string(),
  mode: z.enum(['max', 'min']),
  value: z.number(),
  iteration: z.int(),
  /** Where several are kept: all of them, the best one first, by the iterations in their names. */
  kept: z.array(z.object({ value: z.number(), iteration: z.int().min(0) })).optional(),
});

/** Which value the best checkpoint has, written beside it. */
export type BestRecord = z.infer<typeof schema>;

/** Writes the record; a half-written one is never found. */
export function writeBestRecord(path: string, record: BestRecord): Promise<void> {
  return writeFileAtomically(path, `${JSON.stringify(record)}\n`);
}

/** The record, undefined where there is none that can be read. */
export async function readBestRecord(path: string): Promise<BestRecord | undefined> {
  try {
    return schema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data;
  } catch {
    return undefined;
  }
}
