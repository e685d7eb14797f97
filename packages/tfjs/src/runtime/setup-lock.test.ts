import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn, spawnSync } from 'node:child_process';
import { acquireSetupLock } from './setup-lock.ts';

let folder: string;
const quiet = () => undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hookline-lock-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function leaveLock(owner: { pid: number; host: string; started: number }): void {
  mkdirSync(join(folder, 'setup.lock'));
  writeFileSync(join(folder, 'setup.lock', 'owner.json'), JSON.stringify(owner));
}

describe('acquireSetupLock', () => {
  it('lets one in at a time and leaves nothing behind', async () => {
    let inside = 0;
    let most = 0;
    const enter = async () => {
      const lock = await acquireSetupLock(folder, 30_000, quiet);
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 20));
      inside--;
      lock?.release();
    };
    await Promise.all([enter(), enter(), enter()]);
    expect(most).toBe(1);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('gives up after its time, saying whom it waited for', async () => {
    const other = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)']);
    leaveLock({ pid: other.pid ?? 0, host: hostname(), started: Date.now() });
    const lines: string[] = [];
    expect(await acquireSetupLock(folder, 600, (line) => lines.push(line))).toBeUndefined();
    expect(lines).toEqual([`another setup is running (process ${String(other.pid)}); waiting for it`]);
    other.kill();
  });

  it('takes over from a process that is gone, and from a machine that is silent for an hour', async () => {
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    for (const owner of [
      { pid: gone, host: hostname(), started: Date.now() },
      { pid: 1, host: 'elsewhere', started: Date.now() - 61 * 60_000 },
    ]) {
      leaveLock(owner);
      const lock = await acquireSetupLock(folder, 5_000, quiet);
      expect(lock).toMatchObject({ waited: false });
      lock?.release();
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  it('does not take over from another machine that is at work', async () => {
    leaveLock({ pid: 1, host: 'elsewhere', started: Date.now() });
    expect(await acquireSetupLock(folder, 300, quiet)).toBeUndefined();
  });
});
