import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { failed, lastWords, used, type Attempt } from '../machine/attempt.ts';
import {
  findNativePackages,
  installFolder,
  NATIVE_PACKAGES,
  TFJS_VERSION,
  type NativePackage,
} from '../find/native-package.ts';
import { runCommand } from '../machine/run-command.ts';
import { makePrivateFolder } from '../machine/trusted-path.ts';

/** Its own tar has known faults; the package needs one only for its install script, and this one works the same. */
const OVERRIDES = { tar: '^7.5.1' };
const INSTALL_TIMEOUT_MS = 4 * 60_000;

/**
 * Installs the native package into the cache, for npm drops an optional package whose install script has failed.
 * Its script is not run.
 */
export async function installNativePackage(
  env: NodeJS.ProcessEnv,
  log: (line: string) => void,
): Promise<Attempt<NativePackage>> {
  const target = installFolder(env);
  const wanted = `${NATIVE_PACKAGES[0]}@${TFJS_VERSION}`;
  log(`installing ${wanted} into the cache`);
  const folder = dirname(target);
  makePrivateFolder(folder);
  // The setup lock is held: work folders were left by a setup that was killed.
  for (const name of await readdir(folder)) {
    if (name.startsWith(`${basename(target)}.work-`)) await rm(join(folder, name), { recursive: true, force: true });
  }
  const work = await mkdtemp(`${target}.work-`);
  try {
    await writeFile(join(work, 'package.json'), `${JSON.stringify({ private: true, overrides: OVERRIDES })}\n`);
    const flags = [
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--fetch-retries=1',
      '--fetch-retry-mintimeout=1000',
      '--fetch-timeout=30000',
    ];
    const installed = await runCommand(npmCommand(), ['install', ...flags, wanted], {
      timeoutMs: INSTALL_TIMEOUT_MS,
      cwd: work,
      env,
    });
    if (!installed.ok)
      return failed(`npm could not install ${wanted}: ${explain(installed.stderr) || installed.problem}`);
    await rm(target, { recursive: true, force: true });
    await rename(work, target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  const [native] = findNativePackages({ from: [], env });
  return native === undefined ? failed('npm left no package') : used(native, `npm install ${wanted}`);
}

function npmCommand(): string {
  const beside = join(dirname(process.execPath), process.platform === 'win32' ? 'npm.cmd' : 'npm');
  return existsSync(beside) ? beside : 'npm';
}

function explain(stderr: string): string {
  if (/ECONNREFUSED|ENOTFOUND|ETIMEDOUT|EAI_AGAIN/.test(stderr)) return 'its registry cannot be reached';
  return lastWords(stderr.replace(/^npm (warn|notice).*$/gm, ''), 1);
}
