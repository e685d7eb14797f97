import { readFile } from 'node:fs/promises';
import { writeFileAtomically } from '@hookline/core';
import { z } from 'zod';

const schema = z.object({
  metric: z.string(),
  mode: z.enum(['max', 'min']),
  value: z.number(),
  iteration: z.int(),
  /** If several are kept: all of them, the best one first, with the iterations in their names. */
  kept: z.array(z.object({ value: z.number(), iteration: z.int().min(0) })).optional(),
});

/** The value of the best checkpoint, written to a JSON file next to it. */
export type BestRecord = z.infer<typeof schema>;

/** Writes the record atomically. */
export function writeBestRecord(path: string, record: BestRecord): Promise<void> {
  return writeFileAtomically(path, `${JSON.stringify(record)}\n`);
}

/** Reads the record; undefined if there is none or it cannot be read. */
export async function readBestRecord(path: string): Promise<BestRecord | undefined> {
  try {
    return schema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data;
  } catch {
    return undefined;
  }
}
