import type { CheckpointInput } from '../checkpoint/checkpoint.ts';
import type { HostTensor } from '../checkpoint/host-tensor.ts';
import { HooklineError } from '../errors.ts';
import type { JsonValue } from '../json.ts';
import { VERSION } from '../version.ts';
import type { CheckpointBuilder } from '../checkpoint/checkpoint-view.ts';

/** A checkpoint while the `saveState` hook fills it. */
export class DraftCheckpoint implements CheckpointBuilder {
  readonly iteration: number;
  readonly purpose: 'file' | 'undo';
  readonly #entries: Record<string, { data: JsonValue; version: string }> = Object.create(null) as never;
  readonly #tensors = new Map<string, HostTensor>();

  constructor(iteration: number, purpose: 'file' | 'undo' = 'file') {
    this.iteration = iteration;
    this.purpose = purpose;
  }

  set(key: string, data: JsonValue, version = 1): void {
    if (key in this.#entries) throw taken('key', key);
    this.#entries[key] = { data, version: String(version) };
  }

  setTensor(name: string, tensor: HostTensor): void {
    if (this.#tensors.has(name)) throw taken('tensor name', name);
    this.#tensors.set(name, tensor);
  }

  /** The complete checkpoint. */
  finish(): CheckpointInput {
    const { iteration } = this;
    const created = new Date().toISOString();
    return {
      manifest: { iteration, hookline: VERSION, created, entries: { ...this.#entries } },
      tensors: this.#tensors,
    };
  }
}

function taken(what: string, name: string): HooklineError {
  return new HooklineError('HKL_STATE_DUPLICATE', `the ${what} "${name}" is already in this checkpoint`, {
    where: 'hook saveState',
    fix: "Begin keys and tensor names with the plugin's id",
  });
}
