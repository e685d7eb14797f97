import type { Checkpoint, CheckpointInput } from '../checkpoint/checkpoint.ts';
import type { HostTensor } from '../checkpoint/host-tensor.ts';
import { HooklineError } from '../errors.ts';
import type { JsonValue } from '../json.ts';
import { shortName } from '../plugin/plugin-name.ts';
import { didYouMean } from '../suggest-name.ts';
import type { CheckpointView, LoadScope } from '../checkpoint/checkpoint-view.ts';

/** What {@link LoadingCheckpoint} is told besides the checkpoint. */
export interface LoadingOptions {
  readonly source: string;
  readonly scope: LoadScope;
  /** Default `file`. */
  readonly purpose?: CheckpointView['purpose'];
  /** Names whose state may be missing or left over. */
  readonly allowMismatch?: readonly string[];
  /** Default false. */
  readonly isForeign?: boolean;
}

/** A checkpoint as the taps of `loadState` see it: they check it first, and then everything changes at once. */
export class LoadingCheckpoint implements CheckpointView {
  readonly iteration: number;
  readonly scope: LoadScope;
  readonly purpose: CheckpointView['purpose'];
  readonly source: string;
  readonly isForeign: boolean;
  readonly tensors: ReadonlyMap<string, HostTensor>;
  readonly #entries: Checkpoint['manifest']['entries'];
  readonly #allowed: readonly string[];
  readonly #asked = new Set<string>();
  readonly #readEntries = new Set<string>();
  readonly #readTensors = new Set<string>();
  readonly #changes: (() => void | Promise<void>)[] = [];

  constructor(
    { manifest, tensors }: Checkpoint | CheckpointInput,
    { source, scope, purpose = 'file', allowMismatch = [], isForeign = false }: LoadingOptions,
  ) {
    this.iteration = manifest.iteration;
    this.scope = scope;
    this.purpose = purpose;
    this.source = source;
    this.isForeign = isForeign;
    this.tensors = new ReadMap(tensors, this.#readTensors);
    this.#entries = manifest.entries;
    this.#allowed = allowMismatch;
  }

  // Functions of their own, since a tap takes them out of its argument.
  readonly get: CheckpointView['get'] = (key) => {
    this.#readEntries.add(key);
    const entry = Object.hasOwn(this.#entries, key) ? this.#entries[key] : undefined;
    return entry === undefined ? undefined : { data: entry.data as JsonValue, version: Number(entry.version ?? 1) };
  };

  readonly allowsMismatch: CheckpointView['allowsMismatch'] = (owner) => {
    const names = namesOfId(owner);
    for (const name of names) this.#asked.add(name);
    return names.some((name) => this.#allowed.includes(name));
  };

  readonly apply: CheckpointView['apply'] = (change) => {
    this.#changes.push(change);
  };

  /** @throws HooklineError `HKL_OPTION_INVALID` for a name that is allowed to differ and that nobody has */
  assertAllowedNames(): void {
    const unknown = this.#allowed.find((name) => !this.#asked.has(name));
    if (unknown === undefined) return;
    throw new HooklineError('HKL_OPTION_INVALID', `"${unknown}" is neither here nor in ${this.source}`, {
      who: 'option allowMismatch',
      fix: didYouMean(unknown, [...new Set([...this.#asked].map(shortName))].sort()),
    });
  }

  /** Entries and tensors that nobody has asked for: their owners are gone. */
  unread(): readonly string[] {
    return [
      ...Object.keys(this.#entries)
        .filter((key) => !this.#readEntries.has(key))
        .map((key) => `entry "${key}"`),
      ...[...this.tensors.keys()].filter((name) => !this.#readTensors.has(name)).map((name) => `tensor "${name}"`),
    ];
  }

  /** Whether anything would be changed. */
  get hasChanges(): boolean {
    return this.#changes.length > 0;
  }

  /** Makes the changes, in the order in which they were handed over. */
  async applyAll(): Promise<void> {
    for (const change of this.#changes) await change();
  }
}

/** All names by which the plugin of an id can be meant. */
function namesOfId(id: string): readonly string[] {
  const [name = '', instance] = id.split('#');
  const suffix = instance === undefined ? [] : [`${shortName(name)}#${instance}`];
  return [...new Set([id, name, shortName(name), ...suffix])];
}

/** A map that notes whose values were taken out. */
class ReadMap<V> extends Map<string, V> {
  readonly #read: Set<string> | undefined;

  constructor(values: ReadonlyMap<string, V>, read: Set<string>) {
    super(values);
    this.#read = read;
  }

  override get(key: string): V | undefined {
    this.#read?.add(key);
    return super.get(key);
  }

  override *entries(): MapIterator<[string, V]> {
    for (const entry of super.entries()) {
      this.#read?.add(entry[0]);
      yield entry;
    }
    return undefined;
  }

  override [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }

  override *values(): MapIterator<V> {
    for (const [, value] of this.entries()) yield value;
    return undefined;
  }

  override forEach(visit: (value: V, key: string, map: Map<string, V>) => void): void {
    for (const [key, value] of this.entries()) visit(value, key, this);
  }
}
