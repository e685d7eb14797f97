import { existsSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from './make-folder.ts';

let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});

describe('makeFolder', () => {
  it('makes a folder with those above it, and takes one that is there, also for several callers at once', async () => {
    const deep = join(dir, 'a', 'b', 'c');
    await Promise.all([1, 2, 3, 4].map(() => makeFolder(deep)));
    await makeFolder(deep);
    expect((await stat(deep)).isDirectory()).toBe(true);
  });

  it('says what is in the way', async () => {
    await writeFile(join(dir, 'file'), '');
    await expect(makeFolder(join(dir, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makeFolder(join(dir, 'file', 'x', 'y'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  it('gives up where a folder that is there takes none', async () => {
    if (!existsSync('/proc/self')) skipTest('only Linux has a folder of that kind at hand');
    await expect(makeFolder('/proc/hookline/run')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
