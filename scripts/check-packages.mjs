// Packs every package and checks it: publint checks package.json and the files, arethetypeswrong checks the types. Also computes
// the next release from the changesets, which fails if one names a package that no longer exists. Exits with status 1 if any check
// fails.
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import getReleasePlan from '@changesets/get-release-plan';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

/** Packages are ES modules, so older kinds of module resolution and `require` are not checked. */
const COUNTED = new Set(['node16-esm', 'bundler']);

const folder = mkdtempSync(join(tmpdir(), 'hookline-packages-'));
const faults = [];
try {
  execFileSync('npm', ['pack', '--silent', '--workspaces', '--pack-destination', folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (const file of readdirSync(folder)) {
    const tarball = readFileSync(join(folder, file));
    const data = tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.byteLength);
    const { messages, pkg } = await publint({ pack: { tarball: data }, strict: true });
    for (const message of messages) faults.push(`${file}: ${formatMessage(message, pkg)}`);
    const checked = await checkPackage(createPackageFromTarballData(new Uint8Array(tarball)));
    if (!('problems' in checked)) faults.push(`${file}: it has no types`);
    for (const problem of 'problems' in checked ? checked.problems : [])
      if (!('resolutionKind' in problem) || COUNTED.has(problem.resolutionKind))
        faults.push(`${file}: ${problem.kind} (${'entrypoint' in problem ? problem.entrypoint : 'all of it'})`);
  }
  await getReleasePlan(process.cwd()).catch((error) => faults.push(`.changeset: ${error.message}`));
  console.log(`${readdirSync(folder).length} packages looked at, ${faults.length} faults`);
} finally {
  rmSync(folder, { recursive: true });
}
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
