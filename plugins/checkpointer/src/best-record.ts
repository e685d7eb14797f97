import { open, readFile, rename } from 'node:fs/promises';
import { z } from 'zod';

const schema = z.object({
  metric: z.string(),
  mode: z.enum(['max', 'min']),
  value: z.number(),
  iteration: z.int(),
});

/** Which value the best checkpoint has, written beside it. */
export type BestRecord = z.infer<typeof schema>;

/** Writes the record under a temporary name first, so that a half-written one is never found. */
export async function writeBestRecord(path: string, record: BestRecord): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  const file = await open(temporary, 'w');
  try {
    await file.writeFile(`${JSON.stringify(record)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

/** The record, undefined where there is none that can be read. */
export async function readBestRecord(path: string): Promise<BestRecord | undefined> {
  try {
    return schema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data;
  } catch {
    return undefined;
  }
}
