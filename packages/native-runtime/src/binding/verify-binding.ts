import { failed, lastWords, used, type Attempt } from '../machine/attempt.ts';
import { PROBE_SCRIPT } from './probe-script.ts';
import { runCommand } from '../machine/run-command.ts';

/** What a train step in a child process has shown. */
export interface Verification {
  readonly tensorflow: string;
  readonly usesGpu: boolean;
  readonly lossBefore: number;
  readonly lossAfter: number;
  /** Milliseconds per step of the probe's little network. */
  readonly stepMs: number;
}

const PROBE_TIMEOUT_MS = 120_000;

/**
 * Trains a little convolutional network in a child process, so that an addon that crashes ends the child only.
 *
 * @param bindingPath the addon to load; `undefined` lets the package find its own
 */
export async function verifyBinding(
  packageFolder: string,
  bindingPath: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Attempt<Verification>> {
  const result = await runCommand(process.execPath, ['-e', PROBE_SCRIPT, packageFolder, bindingPath ?? ''], {
    timeoutMs: PROBE_TIMEOUT_MS,
    env: { TF_CPP_MIN_LOG_LEVEL: '2', ...env, NODE_OPTIONS: '' },
  });
  const line = result.stdout.split('\n').find((text) => text.startsWith('PROBE '));
  if (!result.ok || line === undefined)
    return failed(`the train step failed: ${explain(result.stderr) || result.problem}`);
  const shown = JSON.parse(line.slice('PROBE '.length)) as Verification;
  // JSON has no NaN: a loss that is not finite arrives as null.
  if (!(shown.lossAfter < shown.lossBefore)) {
    return failed(
      `training does not lower the loss: ${String(shown.lossBefore)} before, ${String(shown.lossAfter)} after`,
    );
  }
  return used(shown, `a train step takes ${shown.stepMs.toFixed(1)} ms`);
}

function explain(stderr: string): string {
  const error = stderr.split('\n').find((line) => /^\s*(\w*Error|Error)\b.*:/.test(line));
  return error?.trim().slice(0, 300) ?? lastWords(stderr, 1);
}
