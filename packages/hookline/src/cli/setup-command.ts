import { formatSetup, selectDevice, setupRuntime } from '@hookline/tfjs';
import type { CommandLine } from './command-line.ts';
import { EXIT } from './exit-status.ts';
import { shown } from './output-files.ts';
import { print, printError } from './print.ts';

/** `hookline setup`. That native TensorFlow cannot be had is no failure. @returns the exit status */
export async function setup({ flag, text }: CommandLine): Promise<number> {
  const result = await setupRuntime({ log: printError, force: flag.force, from: text.from });
  if (!flag.brief) {
    print(formatSetup(result));
    if (result.native !== undefined) print(`addon: ${shown(result.native.bindingPath)}`);
    return EXIT.ok;
  }
  // The device says what will really be used; the summary of a setup that failed says why not TensorFlow.
  const device = await selectDevice('auto');
  print(device.describe().replace(/^device:/, 'Runtime:'));
  if (result.runtime !== 'native') print(result.summary);
  return EXIT.ok;
}
