import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { encodeSafetensors, HooklineError, type HostTensor, writeFileAtomically } from '@hookline/core';
import { asModel, type ModelLike } from '../model/as-model.ts';
import { modelVariables } from '../model/trainable-model.ts';
import { snapshotVariables } from '../variables/snapshot-variables.ts';
import { toForeignLayout } from './weight-layouts.ts';

/** What {@link saveWeights} wrote. */
export interface SavedWeights {
  /** The file, absolute. */
  readonly file: string;
  /** The names in the file by those of our variables. */
  readonly names: Readonly<Record<string, string>>;
  /** How many of them are those of the model's weight table, with PyTorch's axes; the others are ours. */
  readonly foreign: number;
}

/**
 * Writes the weights of a model as safetensors, for PyTorch and others: by the names and with the axes of the model's weight
 * table, and as they are here where it has none. The statistics of batch norm are among them, the optimizer is not. An existing
 * file is replaced. Reading it back with `loadWeights` gives the same bits.
 *
 * @throws HooklineError `HKL_WEIGHTS_NAMES` where a table has one name twice, and what writing raises
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
  // Python's libraries ask what wrote a file.
  await writeFileAtomically(path, encodeSafetensors(tensors, new Map([['format', 'pt']])));
  return { file: path, names, foreign };
}

const nameTwice = (model: string, name: string): HooklineError =>
  new HooklineError('HKL_WEIGHTS_NAMES', `two variables would be "${name}" in the file`, {
    who: `model "${model}"`,
    fix: 'Give each variable a name of its own in the weight table',
  });
