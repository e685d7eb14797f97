import { readdir, readFile } from 'node:fs/promises';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { THREAD_NICE } from '@hookline/data';
import { BatchPool } from './batch-pool.ts';

/** The priorities (nice values) of the process's threads, by id. */
async function priorities(): Promise<Map<number, number>> {
  const ids = await readdir('/proc/self/task');
  const pairs = ids.map(async (id): Promise<[number, number][]> => {
    // A thread may end in between.
    const stat = await readFile(`/proc/self/task/${id}/stat`, 'utf8').catch(() => undefined);
    // The name, in brackets, may hold spaces; what follows it starts with field 3.
    const nice = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19 - 3];
    return nice === undefined ? [] : [[Number(id), Number(nice)]];
  });
  return new Map((await Promise.all(pairs)).flat());
}

let skipped = '';
if (process.platform !== 'linux') skipped = ' (skipped: only Linux has a priority for each thread)';
else if (getPriority() >= THREAD_NICE) skipped = ' (skipped: all threads have given way already)';

(skipped === '' ? it : it.skip)(`threads that make batches give way, and no others do${skipped}`, async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'a.png');
  const before = await priorities();
  const pool = new BatchPool({ workers: 2 });
  try {
    await sharp({ create: { width: 12, height: 8, channels: 3, background: 'red' } })
      .png()
      .toFile(file);
    const request = { file, sourceWidth: 12, sourceHeight: 8, width: 12, height: 8, orient: true };
    const job = {
      samples: [{ request, slot: undefined, boxes: [], classes: [] }],
      random: { seed: 1, path: 'way' },
    };
    await Promise.all([pool.run(job), pool.run(job)]);
    const after = await priorities();
    const lowered = [...after].filter(([id, nice]) => nice === THREAD_NICE && before.get(id) !== nice);
    expect(lowered).toHaveLength(2);
    // Includes those of libuv, where images are decoded.
    for (const [id, nice] of before) expect([id, after.get(id) ?? nice]).toEqual([id, nice]);
    expect(after.get(process.pid)).toBe(getPriority(process.pid));
    expect(after.get(process.pid)).not.toBe(THREAD_NICE);
  } finally {
    await pool.close();
  }
});
