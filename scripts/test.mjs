import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countLine, skippedLines, slowestLines } from './lib/jest-summary.mjs';
import { requireSupportedNode } from './lib/node-version.mjs';
import { prepare } from './lib/prepare.mjs';
import { ROOT, run } from './lib/processes.mjs';

// npm test [-- options and paths of jest]: prepares a fresh clone, runs the tests and prints `N passed, N failed`.
requireSupportedNode();
prepare();
const folder = mkdtempSync(join(tmpdir(), 'hookline-test-'));
const report = join(folder, 'report.json');
const options = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
const env = { ...process.env, NODE_OPTIONS: [process.env['NODE_OPTIONS'] ?? '', ...options].join(' ').trim() };
const jest = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
const given = process.argv.slice(2);
const workers = given.some((each) => /^(-w|-i|--maxWorkers|--runInBand)\b/.test(each)) ? [] : ['--maxWorkers=2'];
const args = [...workers, '--json', `--outputFile=${report}`, ...given];
const status = run(process.execPath, [jest, ...args], { env, quiet: true });
try {
  const result = JSON.parse(readFileSync(report, 'utf8'));
  for (const line of skippedLines(result)) console.log(line);
  for (const line of slowestLines(result, ROOT)) console.log(line);
  console.log(countLine(result));
} catch {
  console.log('jest has left no report');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = status;
