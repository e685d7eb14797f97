import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';

describe('runCommand', () => {
  it('gives output, code and lines as they come', async () => {
    const lines: string[] = [];
    const script = `process.stdout.write('one\\ntw'); setTimeout(() => { process.stdout.write('o\\r50%\\rthree'); process.exitCode = 3; }, 50)`;
    const result = await runCommand(process.execPath, ['-e', script], {
      timeoutMs: 20_000,
      onLine: (line) => lines.push(line),
    });
    expect(result).toMatchObject({ ok: false, code: 3 });
    expect(result.problem).toMatch(/ended with code 3$/);
    expect(lines).toEqual(['one', 'two', '50%', 'three']);
  });

  it('answers a missing program', async () => {
    const result = await runCommand('no-such-program', [], { timeoutMs: 1_000 });
    expect(result).toMatchObject({ ok: false, code: undefined, problem: 'no-such-program was not found' });
  });

  it('ends a child that hangs together with what it has started', async () => {
    const marker = `hookline-test-${String(process.pid)}`;
    const grandchild = `setTimeout(() => {}, 60000) // ${marker}`;
    const child = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(grandchild)}], { stdio: 'inherit' }); setTimeout(() => {}, 60000)`;
    const result = await runCommand(process.execPath, ['-e', child], { timeoutMs: 1_000 });
    expect(result.problem).toMatch(/did not finish within 1 s$/);
    expect(await isGone(marker)).toBe(true);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGKILL', null],
  ] as const)('does not leave a child behind when the program itself gets %s', async (signal, expected) => {
    const marker = `hookline-${signal}-${String(process.pid)}`;
    const source = join(import.meta.dirname, 'run-command.ts');
    const grandchild = `setTimeout(() => {}, 60000) // ${marker}`;
    const child = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(grandchild)}]).once('spawn', () => console.log('started')); setTimeout(() => {}, 60000) // ${marker}`;
    const program = `
      import { runCommand } from ${JSON.stringify(source)};
      await runCommand(process.execPath, ['-e', ${JSON.stringify(child)}], { timeoutMs: 60000, onLine: (line) => console.log(line) });`;
    const running = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program]);
    await new Promise((resolve) => running.stdout.once('data', resolve));
    running.kill(signal);
    const code = await new Promise((resolve) => running.once('exit', resolve));
    expect(code).toBe(expected);
    expect(await isGone(marker)).toBe(true);
  });

  it('ends itself when its command has ended, guard and all', async () => {
    const source = join(import.meta.dirname, 'run-command.ts');
    const program = `
      import { runCommand } from ${JSON.stringify(source)};
      console.log((await runCommand(process.execPath, ['-e', '1'], { timeoutMs: 60000 })).ok);`;
    const { stdout, status } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect([stdout, status]).toEqual(['true\n', 0]);
  });
});

/** Waits for the kernel to finish with killed processes. */
async function isGone(marker: string): Promise<boolean> {
  for (let tries = 0; tries < 50; tries++) {
    const { stdout } = spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
    if (!stdout.split('\n').some((line) => line.includes(`// ${marker}`))) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}
