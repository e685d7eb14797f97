import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { encodeSafetensors, HooklineError, type HostTensor, writeFileAtomically } from '@hookline/core';
import { asModel, type ModelLike } from '../model/as-model.ts';
import { modelVariables } from '../model/trainable-model.ts';
import { snapshotVariables } from '../variables/snapshot-variables.ts';
import { toForeignLayout } from './weight-layouts.ts';

/** The result of {@link saveWeights}. */
export interface SavedWeights {
  /** The absolute path of the file. */
  readonly file: string;
  /** The names in the file, by the names of the model's variables. */
  readonly names: Readonly<Record<string, string>>;
  /** The number of weights that have names of the weight table and PyTorch's axes; the others have the model's own. */
  readonly foreign: number;
}

/**
 * Writes the weights of a model as safetensors, for PyTorch and other programs. Weights in the model's weight table get the
 * table's names and PyTorch's axes; others keep their own names and axes. The batch norm statistics are included, the
 * optimizer's state is not. Missing folders are created and an existing file is replaced. `loadWeights` reads the same bits
 * back.
 *
 * @param file the path of the file to write
 * @throws HooklineError `HKL_WEIGHTS_NAMES` where two variables would have the same name in the file, and what writing raises
 * @example
 * await saveWeights(model, 'weights.safetensors');
 * // In Python: model.load_state_dict(safetensors.torch.load_file('weights.safetensors'))
 */
export async function saveWeights(given: ModelLike, file: string): Promise<SavedWeights> {
  const model = asModel(given);
  const table = model.weightTable?.() ?? {};
  const tensors = new Map<string, HostTensor>();
  const names: Record<string, string> = {};
  let foreign = 0;
  for (const [name, tensor] of await snapshotVariables(modelVariables(model))) {
    const entry = Object.hasOwn(table, name) ? table[name] : undefined;
    const key = entry?.name ?? name;
    if (tensors.has(key)) throw nameTwice(model.name, key);
    tensors.set(key, entry === undefined ? tensor : toForeignLayout(tensor, entry.layout));
    names[name] = key;
    if (entry !== undefined) foreign++;
  }
  const path = resolve(file);
  await mkdir(dirname(path), { recursive: true });
  // Python's libraries expect the format in the metadata.
  await writeFileAtomically(path, encodeSafetensors(tensors, new Map([['format', 'pt']])));
  return { file: path, names, foreign };
}

const nameTwice = (model: string, name: string): HooklineError =>
  new HooklineError('HKL_WEIGHTS_NAMES', `two variables would be "${name}" in the file`, {
    who: `model "${model}"`,
    fix: 'Give each variable a name of its own in the weight table',
  });
