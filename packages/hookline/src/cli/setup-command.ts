import { compileRanksAddon, formatSetup, setupRuntime } from '@hookline/native-runtime';
import { selectDevice } from '@hookline/tfjs';
import type { CommandLine } from './command-line.ts';
import { EXIT } from './exit-status.ts';
import { print, printError, shown } from './print.ts';

/**
 * `hookline setup`. It fails if `--cuda` is given and CUDA is not available; other machines without native TensorFlow use WebAssembly, which is no failure.
 *
 * @returns the exit status
 * @throws HooklineError `HKL_CUDA_UNAVAILABLE`, `HKL_DISK_FULL`
 */
export async function setup({ flag, text, cuda }: CommandLine): Promise<number> {
  const result = await setupRuntime({ log: printError, force: flag.force, from: text.from, cuda });
  const ranks = await compileRanksAddon({ force: flag.force });
  if (!flag.brief) {
    print(formatSetup(result));
    if (result.native !== undefined) print(`addon: ${shown(result.native.bindingPath)}`);
    print(
      ranks.outcome === 'used'
        ? `several processes: possible with ${ranks.value.mpi} (${ranks.detail})`
        : `several processes: not possible, ${ranks.detail}`,
    );
    if (result.error !== undefined) throw result.error;
    return EXIT.ok;
  }
  // The device shows what will be used; if setup failed, its summary says why it is not TensorFlow.
  const device = await selectDevice('auto');
  print(device.describe().replace(/^device:/, 'Runtime:'));
  if (result.runtime !== 'native') print(result.summary);
  if (result.error !== undefined) throw result.error;
  return EXIT.ok;
}
