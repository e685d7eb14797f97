import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  type Checkpoint,
  HooklineError,
  type HostTensor,
  type JsonValue,
  engineHooksRef,
  readCheckpoint,
  type TrainerBase,
  writeCheckpoint,
} from '@hookline/core';
import type { RecordingLogger } from './recording-logger.ts';
import { withTemporaryFolder } from './temporary-folder.ts';

/** A checkpoint with one change. */
export interface ChangedState {
  /** Description of the change: `hookline/data: batches = -5`. */
  readonly change: string;
  /** Words that an error about it must contain: the entry, plugin or tensor, and the field. */
  readonly names: readonly string[];
  readonly checkpoint: Checkpoint;
}

/** The result of loading a changed checkpoint. */
export interface ChangedStateOutcome {
  readonly change: string;
  /**
   * `refused`: an error names the change. `warned`: it was loaded with a warning that the unchanged
   * checkpoint does not cause. `silent`: it was loaded without a warning. `nameless`: an error does not name the change.
   * `damaged`: loading failed and changed the trainer.
   */
  readonly outcome: 'refused' | 'warned' | 'silent' | 'nameless' | 'damaged';
  /** The error or the warnings. */
  readonly told: string;
}

/** Options of {@link tryChangedStates}. */
export interface ChangedStatesOptions<T extends TrainerBase> {
  /** A checkpoint that the trainers can load. */
  readonly file: string;
  /** Makes a new trainer that has not started; it must log to `logger`, at level `warn`. */
  readonly make: (output: string) => { readonly trainer: T; readonly logger: RecordingLogger };
  /** Disposes of a trainer. Default: closes it. */
  readonly free?: (trainer: T) => Promise<unknown>;
  /** Selects the changes to try; `index` counts them. Default: all. */
  readonly only?: (change: string, index: number) => boolean;
}

/** Values that are invalid in every field. */
const JUNK: readonly unknown[] = [{}, [], 5, -5, 1.5, Number.NaN, 'x', null, true];
/** Number of elements that are changed in a list, or in a table whose values all have the same fields. */
const LOOKED_INTO = 1;
const DEEPEST = 5;
const TENSORS_PER_OWNER = 2;

/**
 * Yields checkpoints that differ from a valid one in one thing: an entry, the state of a plugin, a field of either, or a
 * tensor is missing, has another type, shape or kind, or there is one too many. A number is also changed into values that
 * no count can have. The number of changes is bounded, and their order is fixed; `writeCheckpoint` writes them with a correct hash.
 */
export function* changedStates({ manifest, tensors }: Checkpoint): Generator<ChangedState> {
  const withEntries = (entries: Checkpoint['manifest']['entries']): Checkpoint => ({
    manifest: { ...manifest, entries },
    tensors,
  });
  for (const [key, entry] of Object.entries(manifest.entries)) {
    const { [key]: _, ...others } = manifest.entries;
    yield { change: `${key} missing`, names: [key], checkpoint: withEntries(others) };
    for (const { path, value, what } of changesOf(entry.data, [])) {
      const data = replaced(entry.data, path, value);
      yield {
        change: `${key}: ${path.join('.')} ${what}`,
        names: namesIn(key, path),
        checkpoint: withEntries({ ...manifest.entries, [key]: { ...entry, data } }),
      };
    }
  }
  yield* changedTensors(manifest, tensors);
}

/** The entry, or the plugin, and the field; an element of a list is named by its list. */
function namesIn(key: string, path: readonly string[]): readonly string[] {
  const [plugin] = path;
  const field = path.findLast((segment) => segment !== 'data' && !/^\d+$/.test(segment));
  const owner = key === 'hookline/plugins' && plugin !== undefined ? plugin : key;
  return field === undefined || field === owner ? [owner] : [owner, field];
}

function* changedTensors(
  manifest: Checkpoint['manifest'],
  tensors: ReadonlyMap<string, HostTensor>,
): Generator<ChangedState> {
  const seen = new Map<string, number>();
  for (const [name, tensor] of tensors) {
    const owner = name
      .split('/')
      .slice(0, name.startsWith('scope/') ? 3 : 1)
      .join('/');
    const count = seen.get(owner) ?? 0;
    seen.set(owner, count + 1);
    if (count >= TENSORS_PER_OWNER) continue;
    const changed = (what: string, change: (copy: Map<string, HostTensor>) => void, named = name): ChangedState => {
      const copy = new Map(tensors);
      change(copy);
      return { change: `${named} ${what}`, names: named.split('/').slice(-1), checkpoint: { manifest, tensors: copy } };
    };
    const size = tensor.data.length;
    yield changed('missing', (copy) => copy.delete(name));
    yield changed('of another shape', (copy) =>
      copy.set(name, { dtype: 'float32', shape: [size + 1, 1], data: new Float32Array(size + 1) }),
    );
    yield changed('of another dtype', (copy) =>
      copy.set(name, { dtype: 'uint16', shape: tensor.shape, data: new Uint16Array(size) }),
    );
    yield changed('too many', (copy) => copy.set(`${name}_more`, tensor), `${name}_more`);
  }
}

interface Change {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly what: string;
}

const MISSING = Symbol('missing');

function* changesOf(value: unknown, path: readonly string[]): Generator<Change> {
  for (const junk of JUNK) {
    if (!isDeepStrictEqual(junk, value)) yield { path, value: junk, what: `= ${show(junk)}` };
  }
  if (path.length > 0) yield { path, value: MISSING, what: 'missing' };
  if (typeof value !== 'object' || value === null || path.length >= DEEPEST) return;
  const isAlike = Array.isArray(value) || (path.length > 0 && isTable(value));
  const keys = Object.keys(value).slice(0, isAlike ? LOOKED_INTO : undefined);
  for (const key of keys) yield* changesOf((value as Record<string, unknown>)[key], [...path, key]);
}

/** Whether the values of an object all have the same fields. */
function isTable(value: object): boolean {
  const fields = Object.values(value).map((item: unknown) =>
    typeof item === 'object' && item !== null ? Object.keys(item).sort().join() : undefined,
  );
  return fields.length > 1 && fields[0] !== undefined && fields.every((each) => each === fields[0]);
}

function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const inner = (value as Record<string, unknown>)[key];
  const changed = rest.length === 0 && by === MISSING ? MISSING : replaced(inner, rest, by);
  if (Array.isArray(value))
    return (value as unknown[]).flatMap((item, index) =>
      String(index) !== key ? [item] : changed === MISSING ? [] : [changed],
    );
  const entries = Object.entries(value as object).map(([name, item]) => [name, name === key ? changed : item] as const);
  return Object.fromEntries(entries.filter(([, item]) => item !== MISSING));
}

const show = (value: unknown): string => (typeof value === 'number' ? String(value) : JSON.stringify(value));

/**
 * Loads every one of {@link changedStates} and returns the results. After each error, the trainer must be unchanged
 * to the bit, which is checked by comparing what it would save.
 */
export function tryChangedStates<T extends TrainerBase>(
  options: ChangedStatesOptions<T>,
): Promise<readonly ChangedStateOutcome[]> {
  return withTemporaryFolder((folder) => tryChangedStatesIn(folder, options));
}

async function tryChangedStatesIn<T extends TrainerBase>(
  folder: string,
  options: ChangedStatesOptions<T>,
): Promise<readonly ChangedStateOutcome[]> {
  const { file, make, free = (trainer: T): Promise<unknown> => trainer.close(), only = () => true } = options;
  const changedFile = join(folder, 'changed.safetensors');
  const outcomes: ChangedStateOutcome[] = [];
  const fresh = async (): Promise<Tried<T>> => {
    const made = make(join(folder, 'run'));
    await made.trainer.prepare();
    return { ...made, before: await savedBy(made.trainer) };
  };
  let tried = await fresh();
  const renew = async (): Promise<void> => {
    await free(tried.trainer);
    tried = await fresh();
  };
  try {
    await tried.trainer.load(file);
    const usual = new Set(tried.logger.lines.map((line) => line.replaceAll(file, changedFile)));
    await renew();
    let index = 0;
    for (const { change, names, checkpoint } of changedStates(await readCheckpoint(file))) {
      if (!only(change, index++)) continue;
      await writeCheckpoint(changedFile, checkpoint);
      const { trainer, logger, before } = tried;
      const told = logger.lines.length;
      let error: unknown;
      try {
        await trainer.load(changedFile);
      } catch (cause) {
        error = cause;
      }
      const outcome = await judge(error, names, trainer, before);
      const warnings = logger.lines.slice(told).filter((line) => !usual.has(line));
      outcomes.push({
        change,
        outcome: outcome ?? (warnings.length > 0 ? 'warned' : 'silent'),
        told: error instanceof Error ? error.message : warnings.join('\n'),
      });
      if (outcome !== 'refused' && outcome !== 'nameless') await renew();
    }
    return outcomes;
  } finally {
    await free(tried.trainer);
  }
}

interface Tried<T extends TrainerBase> {
  readonly trainer: T;
  readonly logger: RecordingLogger;
  readonly before: unknown;
}

/** @returns undefined if nothing was thrown */
async function judge(
  error: unknown,
  names: readonly string[],
  trainer: TrainerBase,
  before: unknown,
): Promise<ChangedStateOutcome['outcome'] | undefined> {
  if (error === undefined) return undefined;
  const after = await savedBy(trainer).catch((cause: unknown) => cause);
  if (!isDeepStrictEqual(after, before)) return 'damaged';
  const { message } = error as Error;
  return error instanceof HooklineError && names.every((name) => message.includes(name)) ? 'refused' : 'nameless';
}

/** Everything that a trainer would save now. */
async function savedBy(trainer: TrainerBase): Promise<unknown> {
  const entries: Record<string, JsonValue> = {};
  const tensors: Record<string, HostTensor> = {};
  const { byName: hooks } = await trainer.service(engineHooksRef);
  await hooks.saveState.call({
    iteration: trainer.iteration,
    purpose: 'undo',
    set: (key, data) => void (entries[key] = structuredClone(data)),
    setTensor: (name, tensor) => void (tensors[name] = tensor),
  });
  return { iteration: trainer.iteration, entries, tensors };
}

/**
 * Changes of the engine's entries and of first-party plugins that result in a valid value: another number for a
 * number, another text for a text. Only the hash of a checkpoint can detect these, no schema.
 */
const PLAUSIBLE = [
  /^hookline\/optimizer: learningRate = (5|1\.5)$/,
  /^hookline\/data: (source\.)?(epoch|batches) = 5$/,
  // If data sources describe themselves in more detail than before, that is no difference.
  /^hookline\/data: fingerprint(\.\w+)? (= \{\}|missing)$/,
  // A random stream without draws and a scalar without values may be missing.
  /^hookline\/random: positions(\.\S+)? (= \{\}|= 5|missing)$/,
  /^hookline\/storage: scalars(\.\w+)? (= \{\}|missing)$/,
  /^hookline\/storage: scalars\.\w+\.(mean|values\.0|iterations\.0) = (5|-5|1\.5|NaN)$/,
  // Logged, but not as a warning.
  /^hookline\/run: (maxIterations|plugins) (= 5|= -5|= \{\}|missing)$/,
  /^hookline\/run: epochs( missing|\.(length|origin) = (5|-5|1\.5))$/,
  /^hookline\/plugins: \S+\.(package = "x"|optional missing)$/,
  /^hookline\/plugins: \S+\/plugin-checkpointer\.data(\.0)? (= \[\]|= "x"|missing)$/,
  /^hookline\/plugins: \S+\/plugin-gradient-accumulation\.data\.names\.0 missing$/,
  /^hookline\/plugins: \S+\/plugin-anomaly-guard\.data\.(losses(\.0)?|skipped|lastSkipped|seen) (= (5|-5|1\.5|\[\])|missing)$/,
  /^hookline\/plugins: \S+\.data\.(epoch|batches|evaluatedAt|seen|waited|bad|cooldown|best\.iteration) = 5$/,
  /^hookline\/plugins: \S+\.data\.best\.value = (5|-5|1\.5)$/,
  /^hookline\/plugins: \S+\/plugin-reduce-on-plateau\.data\.best = (5|-5|1\.5)$/,
  // Earlier versions did not save these.
  /^hookline\/plugins: \S+\/(plugin-checkpointer\/best\.data\.kept|plugin-early-stopping\.data\.holdsBest) missing$/,
  /^hookline\/plugins: \S+\/plugin-early-stopping\.data\.holdsBest = true$/,
  /^hookline\/plugins: \S+\/plugin-plots\.data(\.\w+(\.(stride|last|points(\.0)?))?)? (= (5|-5|1\.5|NaN|\{\}|\[\])|missing)$/,
];

/** Whether a change results in a valid value, so that loading it silently is correct. */
export const isPlausibleChange = (change: string): boolean => PLAUSIBLE.some((pattern) => pattern.test(change));
