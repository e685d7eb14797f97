import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseBenchArgs } from './lib/bench-args.mjs';
import { requireSupportedNode } from './lib/node-version.mjs';
import { prepare } from './lib/prepare.mjs';
import { ROOT } from './lib/processes.mjs';
import { withTemporaryFolder } from './lib/temporary-folder.mjs';

// npm run campaign -- NAME [--seed N] [--quick] [--json] [options of the campaign]
requireSupportedNode();
const { name, json, args } = parseBenchArgs(process.argv.slice(2));
const known = readdirSync(join(ROOT, 'campaigns')).filter((folder) => existsSync(campaignFile(folder)));
if (name === undefined || !known.includes(name)) {
  const problem = name === undefined ? 'which campaign?' : `there is no campaign "${name}".`;
  console.error(`${problem} Known: ${known.join(', ')}\nUsage: npm run campaign -- NAME [--seed N] [--quick] [--json]`);
  process.exit(2);
}
const seed = args['seed'] ?? 1;
if (typeof seed !== 'number' || !Number.isSafeInteger(seed) || seed < 0) {
  console.error(`--seed takes a whole number of at least 0, not ${String(seed)}`);
  process.exit(2);
}

prepare({ quiet: json });
const { register } = await import('tsx/esm/api');
register();
const { Tally } = await import('../campaigns/lib/campaign.ts');
const { default: campaign } = await import(pathToFileURL(campaignFile(name)).href);
const tally = new Tally();
const began = Date.now();
await withTemporaryFolder(`campaign-${name}`, (folder) => campaign({ ...args, seed }, tally, folder));
const { counts, failures } = tally;
const seconds = Math.round((Date.now() - began) / 1000);
if (json) console.log(JSON.stringify({ name, seed, seconds, counts, failures }));
else {
  console.log(`campaign ${name}, seed ${seed}, ${seconds} s`);
  for (const [what, count] of Object.entries(counts)) console.log(`  ${String(count).padStart(7)}  ${what}`);
  console.log(failures.length === 0 ? 'Everything held.' : `${failures.length} did not hold; they are named above.`);
}
process.exitCode = failures.length === 0 ? 0 : 1;

/** @param {string} folder */
function campaignFile(folder) {
  return join(ROOT, 'campaigns', folder, 'campaign.ts');
}
