import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { findNativeRuntime } from '@hookline/native-runtime';

const ROOT = resolve(import.meta.dirname, '../../../..');
const JEST = join(ROOT, 'node_modules/jest/bin/jest.js');
const other = process.env['TF_ENABLE_ONEDNN_OPTS'] === '1' ? '0' : '1';
// Capturing needs the native runtime, which `npx hookline setup` provides.
const native = findNativeRuntime().runtime === undefined ? it.skip : it;

native(
  'captured steps handle NaN and infinity with the other setting of oneDNN (needs the native runtime)',
  async () => {
    const args = ['--experimental-vm-modules', JEST, '--runInBand', '--json', join(import.meta.dirname, 'non-finite.test.ts')]; // prettier-ignore
    const env = { ...process.env, TF_ENABLE_ONEDNN_OPTS: other };
    const output = await new Promise<string>((done) => {
      execFile(process.execPath, args, { cwd: ROOT, env, maxBuffer: 2 ** 26 }, (_, stdout) => done(stdout));
    });
    const report = JSON.parse(output) as {
      numPassedTests: number;
      testResults: { message: string; assertionResults: { status: string; title: string }[] }[];
    };
    expect(report.testResults[0]?.message).toBe('');
    expect(report.numPassedTests).toBeGreaterThan(60);
  },
  // This runs some seventy trainings, which take many times as long on a busy machine.
  1_200_000,
);
