import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listCheckpoints, readTag, writeTag } from './checkpoint-folder.ts';

const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;

describe('checkpoint folder', () => {
  let folder = '';
  beforeEach(() => {
    folder = temporaryFolder();
  });

  it('tags a checkpoint, and again', async () => {
    expect(await readTag(folder)).toBeUndefined();
    await writeTag(folder, 'model_0000009.safetensors');
    await writeTag(folder, 'model_final.safetensors');
    expect(await readTag(folder)).toBe('model_final.safetensors');
    expect(await readFile(join(folder, 'last_checkpoint'), 'utf8')).toBe('model_final.safetensors');
  });

  it.each(['', '..', '../other.safetensors', '/etc/passwd', 'a\\b', 'a\nb'])(
    'refuses the tag %j, written or read',
    async (name) => {
      await expect(writeTag(folder, name)).rejects.toThrow(code('HKL_CHECKPOINT_TAG'));
      expect(await readTag(folder)).toBeUndefined();
      await writeFile(join(folder, 'last_checkpoint'), name);
      await expect(readTag(folder)).rejects.toThrow(code('HKL_CHECKPOINT_TAG'));
    },
  );

  it('lists checkpoints alone, in order', async () => {
    for (const name of [
      'b.safetensors',
      'a.safetensors',
      '.c.safetensors',
      '.a.safetensors.x.hookline-tmp',
      'last_checkpoint',
    ]) {
      await writeFile(join(folder, name), '');
    }
    await mkdir(join(folder, 'd.safetensors'));
    expect(await listCheckpoints(folder)).toEqual(['a.safetensors', 'b.safetensors']);
  });

  it('is empty when there is none', async () => {
    const none = join(folder, 'none');
    expect([await listCheckpoints(none), await readTag(none)]).toEqual([[], undefined]);
    await expect(writeTag(none, 'a.safetensors')).rejects.toThrow(code('HKL_UNWRITABLE'));
    await mkdir(join(folder, 'last_checkpoint'));
    await expect(readTag(folder)).rejects.toThrow(code('HKL_CHECKPOINT_UNREADABLE'));
  });
});
