import { spawnSync } from 'node:child_process';
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
    const left = spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).stdout ?? '';
    expect(left.split('\n').filter((line) => line.includes(`// ${marker}`))).toEqual([]);
  });
});
