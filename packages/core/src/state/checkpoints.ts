import { basename, isAbsolute, join } from 'node:path';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { readCheckpoint, writeCheckpoint } from '../checkpoint/checkpoint-file.ts';
import { listCheckpoints, readTag, writeTag } from '../checkpoint/checkpoint-folder.ts';
import { HooklineError } from '../errors.ts';
import type { EngineHookSet } from '../hooks/hook-table.ts';
import type { JsonValue } from '../json.ts';
import type { OutputFolder } from '../services/output-folder.ts';
import { DraftCheckpoint } from './draft-checkpoint.ts';
import type { CheckpointView, LoadScope } from './checkpoint-view.ts';

/** Saves and loads the whole state of a run. */
export interface Checkpoints {
  /**
   * Saves everything into `<output>/<name>.safetensors`, atomically.
   *
   * @param options.tag whether this becomes the checkpoint that resuming takes; default true
   * @returns the path of the file
   */
  save(name: string, options?: { readonly tag?: boolean }): Promise<string>;
  /**
   * Loads a file into the prepared trainer.
   *
   * @param scope `all` to go on with that run, `weights` to begin a new one; default `all`
   * @returns the iteration to go on at, 0 for `weights`
   */
  load(path: string, scope?: LoadScope): Promise<number>;
  /** The file that resuming takes, undefined when there is none. */
  latest(): Promise<string | undefined>;
  /** All checkpoints of the run's folder, absolute. */
  list(): Promise<readonly string[]>;
}

/** Checkpoints on disk, filled and read through the `saveState` and `loadState` hooks. */
export class DiskCheckpoints implements Checkpoints {
  readonly #hooks: EngineHookSet;
  readonly #output: OutputFolder;
  readonly #iteration: () => number;

  constructor(hooks: EngineHookSet, output: OutputFolder, iteration: () => number) {
    this.#hooks = hooks;
    this.#output = output;
    this.#iteration = iteration;
  }

  async save(name: string, { tag = true }: { readonly tag?: boolean } = {}): Promise<string> {
    if (name === '' || name !== basename(name) || name.startsWith('.')) {
      throw new HooklineError('HKL_CHECKPOINT_NAME', `"${name}" cannot name a checkpoint`, {
        who: 'checkpoints',
        fix: 'Use a plain file name without folders',
      });
    }
    const draft = new DraftCheckpoint(this.#iteration());
    await this.#hooks.phases.saveState.call(draft);
    const path = await this.#output.file(`${name}.safetensors`);
    await writeCheckpoint(path, draft.finish());
    if (tag) await writeTag(this.#output.dir, basename(path));
    return path;
  }

  async load(path: string, scope: LoadScope = 'all'): Promise<number> {
    const file = isAbsolute(path) ? path : join(process.cwd(), path);
    const checkpoint = await readCheckpoint(file);
    await this.#hooks.phases.loadState.call(viewOf(checkpoint, file, scope));
    return scope === 'all' ? checkpoint.manifest.iteration : 0;
  }

  async latest(): Promise<string | undefined> {
    const tag = await readTag(this.#output.dir);
    return tag === undefined ? undefined : join(this.#output.dir, tag);
  }

  async list(): Promise<readonly string[]> {
    const names = await listCheckpoints(this.#output.dir);
    return names.map((name) => join(this.#output.dir, name));
  }
}

function viewOf({ manifest, tensors }: Checkpoint, source: string, scope: LoadScope): CheckpointView {
  return {
    iteration: manifest.iteration,
    scope,
    source,
    tensors,
    get: (key) => {
      const entry = Object.hasOwn(manifest.entries, key) ? manifest.entries[key] : undefined;
      return entry === undefined ? undefined : { data: entry.data as JsonValue, version: Number(entry.version ?? 1) };
    },
  };
}
