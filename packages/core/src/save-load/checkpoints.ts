import { basename, isAbsolute, join } from 'node:path';
import { readCheckpoint, writeCheckpoint, writeCopyOfCheckpoint } from '../checkpoint/checkpoint-file.ts';
import { listCheckpoints, readTag, writeTag } from '../checkpoint/checkpoint-folder.ts';
import type { Checkpoint, LoadOptions, LoadScope } from '../checkpoint/checkpoint.ts';
import { arrayOf, bytesPerElement, type HostTensor } from '../checkpoint/host-tensor.ts';
import { WriteThread } from '../checkpoint/write-thread.ts';
import { HooklineError, isHooklineError } from '../errors.ts';
import type { EngineHookSet } from '../hooks/hook-table.ts';
import { ENGINE } from '../hooks/wrap-tap.ts';
import { assertKnownOptions } from '../known-options.ts';
import type { LivePlugin } from '../plugin/plugin.ts';
import type { Communicator } from '../services/communicator.ts';
import type { Checkpoints, SaveOptions, StartedSave } from '../services/checkpoints.ts';
import type { Logger } from '../services/logger.ts';
import type { OutputFolder } from '../services/output-folder.ts';
import { onEveryRank, onFirstRank } from '../services/ranks.ts';
import { VERSION } from '../version.ts';
import { collectState } from './collect-state.ts';
import { rememberState } from './load-undo.ts';
import { planLoad } from './plan-load.ts';
import { assertSameOnRanks } from './compare-ranks.ts';
import { assertSameTensors, ofThisRank, withOtherRanks } from './rank-states.ts';

/** Checkpoints on disk, filled and read through the `saveState` and `loadState` hooks. */
export class DiskCheckpoints implements Checkpoints {
  readonly #hooks: EngineHookSet;
  readonly #output: OutputFolder;
  readonly #iteration: () => number;
  readonly #logger: Logger;
  readonly #comm: () => Communicator;
  #halfLoaded: HooklineError | undefined;
  /** Checkpoints that may be saved a second time at the end, by name. */
  #renewals = new Map<string, SaveOptions>();
  /** Whether a plugin has a state that a run depends on; that state may include weights. */
  #hasRunState = false;
  #hasWarned = false;
  /** Settles when the checkpoint that is being written in the background is done; never rejects. */
  #writing: Promise<void> | undefined;
  readonly #thread = new WriteThread();

  constructor(
    hooks: EngineHookSet,
    output: OutputFolder,
    iteration: () => number,
    logger: Logger,
    comm: () => Communicator,
  ) {
    this.#comm = comm;
    this.#hooks = hooks;
    this.#output = output;
    this.#iteration = iteration;
    this.#logger = logger;
  }

  /** Taps `afterTrain`, after all plugins have. */
  begin(plugins: readonly LivePlugin[]): void {
    this.#renewals.clear();
    this.#hasRunState = plugins.some(({ result: { state } }) => state !== undefined && state.optional !== true);
    this.#hooks.facades(ENGINE).afterTrain.tap(async ({ status }) => {
      try {
        for (const [name, { tag = true, renewIf }] of this.#renewals) {
          // After a failure the state may be inconsistent.
          if (status === 'failed' || renewIf === undefined) continue;
          if (await onFirstRank(this.#comm(), renewIf, `the checkpoint ${name}`)) await this.save(name, { tag });
        }
      } finally {
        await this.#writing;
        await this.#thread.close();
      }
    });
  }

  /**
   * Whether only the engine taps `loadState`: then a checkpoint holds no weights, or nobody loads them. That is so for
   * a step of the user's own, until a plugin such as `savedParts` knows its variables.
   */
  get #isForEngineOnly(): boolean {
    return this.#hooks.byName.loadState.taps.every((plugin) => plugin === ENGINE);
  }

  /** Warns, once, that checkpoints hold no weights. Call it when all plugins are set up. */
  warnWhereWithoutWeights(): void {
    if (this.#hasWarned || this.#hasRunState || !this.#isForEngineOnly) return;
    this.#hasWarned = true;
    this.#logger.warn(
      `the checkpoints of this trainer hold no weights and no optimizer, since no plugin gives them any. ${ADD}`,
    );
  }

  async save(name: string, options: SaveOptions = {}): Promise<string> {
    const comm = this.#comm();
    const { manifest, tensors } = await this.#collect(name, options);
    const { path, sha256 } = await onFirstRank(
      comm,
      async () => {
        const file = await this.#output.file(`${name}.safetensors`);
        const written = await writeCheckpoint(file, { manifest, tensors });
        await this.#tag(file, options);
        return { path: file, sha256: written.sha256 };
      },
      name,
    );
    await assertSameTensors(comm, { manifest, tensors }, comm.rank === 0 ? sha256 : undefined);
    this.#mayRenew(name, options);
    return path;
  }

  async saveAsync(name: string, options: SaveOptions = {}): Promise<StartedSave> {
    // Whether all ranks agree, and whether the first one could write, is known only when the write is done.
    if (this.#comm().size > 1) return { path: await this.save(name, options), written: Promise.resolve() };
    const checkpoint = await this.#collect(name, options);
    const path = await this.#output.file(`${name}.safetensors`);
    // Another write may have been started meanwhile.
    while (this.#writing !== undefined) await this.#writing;
    const writing = writeCopyOfCheckpoint(path, checkpoint, this.#thread).then(() => this.#tag(path, options));
    const end = (): void => void (this.#writing = undefined);
    this.#writing = writing.then(end, end);
    this.#mayRenew(name, options);
    // A new promise, so that Node reports a rejection that the caller does not handle.
    return { path, written: writing.then(() => undefined) };
  }

  /** Collects the state of all ranks, once no other checkpoint is being written. */
  async #collect(name: string, { finite = false }: SaveOptions): Promise<Checkpoint> {
    if (name === '' || name !== basename(name) || name.startsWith('.')) {
      throw new HooklineError('HKL_CHECKPOINT_NAME', `"${name}" cannot name a checkpoint`, {
        who: 'checkpoints',
        fix: 'Use a plain file name without folders',
      });
    }
    this.assertWhole();
    await this.#writing;
    const comm = this.#comm();
    const own = await collectState(this.#hooks, this.#iteration());
    const checkpoint = await withOtherRanks(comm, own);
    if (checkpoint.tensors.size === 0) this.warnWhereWithoutWeights();
    if (finite) await onFirstRank(comm, () => assertFinite(checkpoint.tensors), name);
    return checkpoint;
  }

  #mayRenew(name: string, options: SaveOptions): void {
    if (options.renewIf !== undefined) this.#renewals.set(name, options);
  }

  async #tag(path: string, { tag = true }: SaveOptions): Promise<void> {
    if (tag) await writeTag(this.#output.dir, basename(path));
  }

  async load(path: string, options?: LoadScope | LoadOptions): Promise<number> {
    return (await this.loadFile(path, options)) ?? 0;
  }

  /**
   * As {@link Checkpoints.load}.
   *
   * @returns the next iteration; undefined for the scope `weights`, which leaves the iteration as it is
   */
  async loadFile(path: string, options: LoadScope | LoadOptions = {}): Promise<number | undefined> {
    const { scope, allowMismatch } = checkedOptions(options);
    const file = isAbsolute(path) ? path : join(process.cwd(), path);
    await this.#writing;
    const comm = this.#comm();
    const { checkpoint: read, foreign } = await onEveryRank(comm, () => readFor(scope, file), file);
    await assertSameOnRanks(comm, { checksum: read.manifest.sha256 ?? null }, file, {
      problem: `it reads another file ${file} than rank 0`,
      fix: 'Give all ranks the same file, for example in a folder that they share',
    });
    const checkpoint =
      scope === 'weights' ? read : ofThisRank(read, comm, file, scope === 'all' ? this.#logger : undefined);
    if (scope === 'weights' && this.#isForEngineOnly) throw noWeightsWanted(file);
    const undo = await rememberState(this.#hooks, this.#iteration());
    try {
      const request = { source: file, scope, purpose: 'file', isForeign: foreign !== undefined } as const;
      const plan = await planLoad(this.#hooks, checkpoint, { ...request, allowMismatch });
      // No plugin can read the file.
      if (foreign !== undefined && !plan.hasChanges) throw foreign;
      if (scope !== 'weights') {
        plan.assertAllowedNames();
        // The other ranks lack the plugins that are set up on the first one alone, so that they would warn of their states.
        for (const what of comm.rank === 0 && scope === 'all' ? plan.unread() : [])
          this.#logger.warn(`${what} of ${file} is ignored: nothing in this trainer asks for it`);
      }
      await plan.apply();
    } catch (error) {
      this.#halfLoaded = (await undo(file, error)) ?? this.#halfLoaded;
      throw error;
    }
    if (scope === 'weights') return undefined;
    this.#halfLoaded = undefined;
    return checkpoint.manifest.iteration;
  }

  /** @throws HooklineError `HKL_HALF_LOADED` where a load has left neither the old state nor the new one */
  assertWhole(): void {
    if (this.#halfLoaded !== undefined) throw this.#halfLoaded;
  }

  async latest(): Promise<string | undefined> {
    await this.#writing;
    const tag = await readTag(this.#output.dir);
    return tag === undefined ? undefined : join(this.#output.dir, tag);
  }

  async list(): Promise<readonly string[]> {
    await this.#writing;
    const names = await listCheckpoints(this.#output.dir);
    return names.map((name) => join(this.#output.dir, name));
  }
}

/**
 * Reads a checkpoint. With the scope `weights`, a file that Hookline has not written gives an empty checkpoint, with
 * the error that says so.
 */
async function readFor(
  scope: LoadScope,
  file: string,
): Promise<{ readonly checkpoint: Checkpoint; readonly foreign?: HooklineError }> {
  try {
    return { checkpoint: await readCheckpoint(file) };
  } catch (error) {
    if (scope !== 'weights' || !isHooklineError(error, 'HKL_CHECKPOINT_FOREIGN')) throw error;
    const manifest = { iteration: 0, hookline: VERSION, entries: {} };
    return { checkpoint: { manifest, tensors: new Map() }, foreign: error };
  }
}

const ADD =
  'List savedParts({ net: { model, optimizer } }) of @hookline/tfjs among the plugins, or tap saveState and loadState, or give a plugin a state';

function noWeightsWanted(file: string): HooklineError {
  return new HooklineError('HKL_WEIGHTS_NONE', `no plugin of this trainer takes weights from ${file}`, {
    who: 'load',
    fix: ADD,
  });
}

function checkedOptions(options: LoadScope | LoadOptions): Required<LoadOptions> {
  if (typeof options !== 'string') assertKnownOptions('load', options, { scope: true, allowMismatch: true });
  const { scope = 'all', allowMismatch = [] } = typeof options === 'string' ? { scope: options } : options;
  if (!['all', 'inference', 'weights'].includes(scope)) {
    throw new HooklineError('HKL_OPTION_INVALID', `there is no scope "${scope}"`, {
      who: 'load',
      fix: "Give 'all' to go on with a run, 'inference' to predict and evaluate, or 'weights' to begin a new run from its weights",
    });
  }
  if (!Array.isArray(allowMismatch) || !allowMismatch.every((name) => typeof name === 'string')) {
    throw new HooklineError('HKL_OPTION_INVALID', 'allowMismatch is no list of names', {
      who: 'load',
      fix: "Give the names of plugins, such as ['ema']",
    });
  }
  return { scope, allowMismatch };
}

/**
 * Checks the tensors of a checkpoint. Only float32 and float64 are checked, the types of weights and optimizers.
 *
 * @throws HooklineError `HKL_WEIGHTS_NOT_FINITE` with the names of the tensors that hold NaN or an infinite number
 */
function assertFinite(tensors: ReadonlyMap<string, HostTensor>): void {
  const bad = [...tensors].flatMap(([name, tensor]) => (hasOnlyFinite(tensor) ? [] : [name]));
  if (bad.length === 0) return;
  const shown = bad.slice(0, 3).join(', ');
  throw new HooklineError('HKL_WEIGHTS_NOT_FINITE', `NaN or infinite numbers are in ${shown}`, {
    who: 'checkpoints',
    where: bad.length > 3 ? `and in ${bad.length - 3} more` : undefined,
    fix: 'Go on from an earlier checkpoint',
  });
}

function hasOnlyFinite({ dtype, data }: HostTensor): boolean {
  if (dtype !== 'float32' && dtype !== 'float64') return true;
  const { buffer, byteOffset, byteLength } = data;
  // Raw bytes may begin anywhere, and an array of numbers only at a multiple of their size.
  const isAligned = byteOffset % bytesPerElement(dtype) === 0;
  const numbers = isAligned
    ? arrayOf(dtype, buffer, byteOffset, byteLength)
    : arrayOf(dtype, buffer.slice(byteOffset, byteOffset + byteLength));
  return (numbers as Float32Array | Float64Array).every((value) => Number.isFinite(value));
}
