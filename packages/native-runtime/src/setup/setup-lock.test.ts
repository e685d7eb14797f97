import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { spawn, spawnSync } from 'node:child_process';
import { acquireSetupLock } from './setup-lock.ts';

let folder: string;
const quiet = () => undefined;

beforeEach(() => {
  folder = temporaryFolder();
});

function leaveLock({ silent = 0, ...owner }: { pid: number; host: string; silent?: number }): void {
  mkdirSync(join(folder, 'setup.lock'));
  const file = join(folder, 'setup.lock', 'owner.json');
  const since = new Date().toISOString();
  writeFileSync(file, JSON.stringify({ boot: '', born: '', since, token: 'abc', ...owner }));
  const then = Date.now() / 1000 - silent;
  utimesSync(file, then, then);
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
    leaveLock({ pid: other.pid ?? 0, host: hostname() });
    const lines: string[] = [];
    expect(await acquireSetupLock(folder, 600, (line) => lines.push(line))).toBeUndefined();
    expect(lines).toEqual([`another setup is running (process ${String(other.pid)}); waiting for it`]);
    other.kill();
  });

  it('takes over from a process that is gone, and from a machine that is silent for three minutes', async () => {
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    for (const owner of [
      { pid: gone, host: hostname() },
      { pid: 1, host: 'elsewhere', silent: 200 },
    ]) {
      leaveLock(owner);
      const lock = await acquireSetupLock(folder, 5_000, quiet);
      expect(lock).toMatchObject({ waited: false });
      lock?.release();
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  it('does not take over from another machine that is at work', async () => {
    leaveLock({ pid: 1, host: 'elsewhere' });
    expect(await acquireSetupLock(folder, 300, quiet)).toBeUndefined();
  });
});
