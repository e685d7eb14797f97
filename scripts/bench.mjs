import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseBenchArgs } from './lib/bench-args.mjs';
import { requireSupportedNode } from './lib/node-version.mjs';
import { prepare } from './lib/prepare.mjs';
import { ROOT } from './lib/processes.mjs';
import { withTemporaryFolder } from './lib/temporary-folder.mjs';

// npm run bench -- NAME [--json] [--quick] [options of the benchmark]
requireSupportedNode();
const { name, json, args } = parseBenchArgs(process.argv.slice(2));
const known = readdirSync(join(ROOT, 'benchmarks')).filter((folder) => existsSync(benchFile(folder)));
if (name === undefined || !known.includes(name)) {
  const problem = name === undefined ? 'which benchmark?' : `there is no benchmark "${name}".`;
  console.error(`${problem} Known: ${known.join(', ') || 'none yet'}\nUsage: npm run bench -- NAME [--json] [--quick]`);
  process.exit(2);
}

// With --json, standard output contains only the one line of figures.
prepare({ quiet: json });
// The cache of tsx is in a folder that other users of the machine can write to.
process.env['TSX_DISABLE_CACHE'] = '1';
const { register } = await import('tsx/esm/api');
register();
const { default: benchmark } = await import(pathToFileURL(benchFile(name)).href);
if (typeof benchmark !== 'function')
  throw new TypeError(`benchmarks/${name}/bench.ts has no function as its default export`);
const log = console.log;
if (json) console.log = console.error;
const result = await withTemporaryFolder(`bench-${name}`, (folder) => benchmark(args, folder));
console.log = log;

const { formatReport, machine, versions } = await import('./lib/bench-report.mjs');
const [on, using] = [machine(), await versions(benchFile(name))];
(json ? console.error : console.log)(formatReport(name, result, on, using));
if (json) console.log(JSON.stringify({ name, machine: on, versions: using, figures: result.figures }));

/** @param {string} folder */
function benchFile(folder) {
  return join(ROOT, 'benchmarks', folder, 'bench.ts');
}
