import { spawnSync } from 'node:child_process';
import { mkdir, open, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listStaleTemps, removeStaleTemps, writeFileAtomically, writeFully } from './atomic-file.ts';
import { claimTempName, releaseTempName } from './temp-name.ts';

const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;
const text = (content: string) => (handle: Parameters<typeof writeFully>[0]) =>
  writeFully(handle, Buffer.from(content), 0);

describe('writeFileAtomically', () => {
  let folder = '';
  let path = '';
  beforeEach(() => {
    folder = temporaryFolder();
    path = join(folder, 'file');
  });

  it('shows the old file until the new one is complete, and leaves nothing else behind', async () => {
    await writeFileAtomically(path, text('old'));
    let meanwhile = '';
    await writeFileAtomically(path, async (handle) => {
      await text('new')(handle);
      meanwhile = await readFile(path, 'utf8');
      expect(await readdir(folder)).toHaveLength(2);
    });
    expect(meanwhile).toBe('old');
    expect(await readFile(path, 'utf8')).toBe('new');
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('keeps the old file and removes the new one when writing fails', async () => {
    await writeFileAtomically(path, text('old'));
    const cause = new Error('no more');
    const failing = writeFileAtomically(path, async (handle) => {
      await text('half')(handle);
      throw cause;
    });
    await expect(failing).rejects.toMatchObject({ code: 'HKL_WRITE_FAILED', cause });
    expect(await readdir(folder)).toEqual(['file']);
    expect(await readFile(path, 'utf8')).toBe('old');
  });

  (process.platform === 'linux' ? it : it.skip)(
    'says that the disk is full (the real error, of Linux /dev/full)',
    async () => {
      const failing = writeFileAtomically(path, async () => {
        const full = await open('/dev/full', 'w');
        try {
          await writeFully(full, Buffer.from('x'), 0);
        } finally {
          await full.close();
        }
      });
      await expect(failing).rejects.toMatchObject({ code: 'HKL_DISK_FULL', who: path, cause: { code: 'ENOSPC' } });
      expect(await readdir(folder)).toEqual([]);
    },
  );

  it('says that a folder is none, is missing, or has a folder of that name', async () => {
    await writeFile(path, 'x');
    await expect(writeFileAtomically(join(path, 'below'), text('x'))).rejects.toThrow(code('HKL_UNWRITABLE'));
    await expect(writeFileAtomically(join(folder, 'none', 'x'), text('x'))).rejects.toThrow(code('HKL_UNWRITABLE'));
    await mkdir(join(folder, 'taken'));
    await expect(writeFileAtomically(join(folder, 'taken'), text('x'))).rejects.toThrow(code('HKL_UNWRITABLE'));
    expect((await readdir(folder)).sort()).toEqual(['file', 'taken']);
  });

  it('lets the last of several writers win', async () => {
    const big = (letter: string): string => letter.repeat(100_000);
    await Promise.all(['a', 'b', 'c', 'd'].map((letter) => writeFileAtomically(path, text(big(letter)))));
    const content = await readFile(path, 'utf8');
    expect(content).toBe(big(content[0]!));
    expect(await readdir(folder)).toEqual(['file']);
  });
});

describe('temporary files', () => {
  let folder = '';
  beforeEach(() => {
    folder = temporaryFolder();
  });

  it('of dead processes are stale, those being written and foreign ones are not', async () => {
    const mine = claimTempName('model.safetensors');
    // A process that has ended: its number stands for nobody, unless the system has given it away again.
    const { pid } = spawnSync(process.execPath, ['--version']);
    const dead = mine.replace(`-${process.pid}-`, `-${pid}-`);
    const alive = mine.replace(`-${process.pid}-`, `-${process.ppid}-`);
    const elsewhere = mine.replace(/\.[0-9a-f]{8}-/, '.00000000-');
    const elsewhereOld = mine.replace(/\.[0-9a-f]{8}-/, '.00000001-');
    for (const name of [mine, dead, alive, elsewhere, elsewhereOld, '.x.hookline-tmp', 'model.safetensors']) {
      await writeFile(join(folder, name), '');
    }
    const longAgo = Date.now() / 1000 - 2 * 60 * 60;
    await utimes(join(folder, elsewhereOld), longAgo, longAgo);
    expect((await listStaleTemps(folder)).sort()).toEqual([dead, elsewhereOld].sort());
    releaseTempName(mine);
    expect((await removeStaleTemps(folder)).sort()).toEqual([mine, dead, elsewhereOld].sort());
    expect((await readdir(folder)).sort()).toEqual([alive, elsewhere, '.x.hookline-tmp', 'model.safetensors'].sort());
  });

  it('are none where there is no folder', async () => {
    expect(await removeStaleTemps(join(folder, 'none'))).toEqual([]);
  });
});
