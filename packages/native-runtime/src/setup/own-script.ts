import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { failed, lastWords, skipped, used, type Attempt } from '../machine/attempt.ts';
import type { NativePackage } from '../find/native-package.ts';
import { runCommand } from '../machine/run-command.ts';

const REACH_TIMEOUT_MS = 4_000;

export interface OwnScriptOptions {
  readonly native: NativePackage;
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly log: (line: string) => void;
}

/**
 * Runs the install script that the native package brings along, which downloads a libtensorflow and an addon.
 *
 * Its host answers many people with an error, so it is asked first; what a failed run leaves behind is removed.
 */
export async function runOwnScript({ native, env, timeoutMs, log }: OwnScriptOptions): Promise<Attempt<string>> {
  const script = join(native.folder, 'scripts', 'install.js');
  if (!existsSync(script)) return skipped(`${native.name} brings no install script`);
  const unreachable = await whyUnreachable(native, env);
  if (unreachable !== '') return skipped(unreachable);
  log(`running the install script of ${native.name}`);
  const hadLibraries = existsSync(join(native.folder, 'deps'));
  const run = await runCommand(process.execPath, [script, native.name.endsWith('-gpu') ? 'gpu' : 'cpu', 'download'], {
    timeoutMs,
    cwd: native.folder,
    env: { ...env, PATH: [...binFolders(native.folder), env['PATH'] ?? ''].join(delimiter) },
  });
  if (run.ok && existsSync(native.bindingPath)) return used(native.bindingPath, `the install script of ${native.name}`);
  if (!hadLibraries) await rm(join(native.folder, 'deps'), { recursive: true, force: true }).catch(() => undefined);
  return failed(
    `the install script of ${native.name} failed: ${run.problem || lastWords(run.stderr) || 'no addon came of it'}`,
  );
}

/** Asks for the headers of the very file that the script would download. */
async function whyUnreachable(native: NativePackage, env: NodeJS.ProcessEnv): Promise<string> {
  const mirror = env['TFJS_NODE_BASE_URI'] ?? env['TFJS_NODE_CDN_STORAGE'] ?? env['CDN_STORAGE'];
  // A mirror needs not hold the addon at the usual path: any answer will do.
  const address = mirror ?? addonAddress(native);
  try {
    const answer = await fetch(address, { method: 'HEAD', signal: AbortSignal.timeout(REACH_TIMEOUT_MS) });
    if (mirror !== undefined || answer.ok) return '';
    return `its download host answers ${String(answer.status)} for the prebuilt addon`;
  } catch {
    return 'its download host cannot be reached';
  }
}

function addonAddress({ folder, name, version, napi }: NativePackage): string {
  const { binary } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { binary: { host: string } };
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const extension = process.platform === 'win32' ? 'zip' : 'tar.gz';
  const file = `${name.endsWith('-gpu') ? 'GPU' : 'CPU'}-${system}-${version}.${extension}`;
  return `${binary.host}/napi-v${String(napi)}/${version}/${file}`;
}

/** The script calls node-pre-gyp by name, as npm would let it. */
function binFolders(folder: string): string[] {
  const folders: string[] = [];
  for (let current = folder; current !== dirname(current); current = dirname(current)) {
    const bin = join(current, 'node_modules', '.bin');
    if (existsSync(bin)) folders.push(bin);
  }
  return folders;
}
