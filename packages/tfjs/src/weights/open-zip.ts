import { buffer } from 'node:stream/consumers';
import { describeCause, isHooklineError } from '@hookline/core';
import yauzl from 'yauzl';
import { FIX_PICKLE } from './file-kind.ts';
import { openHdf5 } from './open-hdf5.ts';
import { COPY_AGAIN, weightsError } from './weights-error.ts';
import type { WeightsFile } from './weights-file.ts';

/** The name of the weights in a `.keras` file. */
const WEIGHTS = 'model.weights.h5';

/**
 * Opens a `.keras` file, which is a zip of the model's configuration and its weights.
 *
 * @throws HooklineError `HKL_WEIGHTS_FORMAT` for another zip, such as a file of `torch.save`; `HKL_WEIGHTS_DAMAGED` for a zip
 * that cannot be read; and what {@link openHdf5} raises
 */
export async function openZip(path: string): Promise<WeightsFile> {
  let zip: yauzl.ZipFile | undefined;
  try {
    zip = await yauzl.openPromise(path);
    const names: string[] = [];
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName === WEIGHTS)
        return await openHdf5(path, await buffer(await zip.openReadStreamPromise(entry)), 'a Keras model');
      names.push(entry.fileName);
    }
    throw otherZip(path, names);
  } catch (error) {
    if (isHooklineError(error)) throw error;
    const what = `it is a zip that cannot be read: ${describeCause(error)}`;
    throw weightsError('HKL_WEIGHTS_DAMAGED', what, path, COPY_AGAIN, error);
  } finally {
    zip?.close();
  }
}

function otherZip(path: string, names: readonly string[]): Error {
  if (names.some((name) => /(?:^|\/)data\.pkl$/.test(name)))
    return weightsError('HKL_WEIGHTS_FORMAT', 'it is a pickle of PyTorch (torch.save)', path, FIX_PICKLE);
  if (names.length > 0 && names.every((name) => name.endsWith('.npy'))) {
    const fix = 'Write it as safetensors, with Python: safetensors.numpy.save_file(dict(numpy.load(file)), out)';
    return weightsError('HKL_WEIGHTS_FORMAT', 'it is an archive of NumPy', path, fix);
  }
  const fix = 'Give the file of weights itself; of a packed folder, unpack it first';
  return weightsError('HKL_WEIGHTS_FORMAT', `it is a zip without ${WEIGHTS}, so no Keras model`, path, fix);
}
