import { fileKind, type FileKind } from './file-kind.ts';
import { openIndexed, openOneFile } from './open-safetensors.ts';
import type { WeightsFile } from './weights-file.ts';

const OPEN: Readonly<Record<FileKind, (path: string) => Promise<WeightsFile>>> = {
  safetensors: openOneFile,
  'safetensors-index': openIndexed,
  zip: async (path) => (await import('./open-zip.ts')).openZip(path),
  hdf5: async (path) => (await import('./open-hdf5.ts')).openHdf5(path),
  tfjs: async (path) => (await import('./open-tfjs.ts')).openTfjs(path),
};

/**
 * Opens a weights file of another program. Its contents, not its name, tell its kind. Nothing in it is ever executed. The
 * caller closes it.
 *
 * @throws HooklineError `HKL_WEIGHTS_FORMAT` for another kind of file, `HKL_WEIGHTS_DAMAGED` for a damaged one,
 * `HKL_WEIGHTS_READER` where the package that reads it is not installed, and what `openSafetensors` raises
 */
export async function openWeights(path: string): Promise<WeightsFile> {
  return OPEN[await fileKind(path)](path);
}
