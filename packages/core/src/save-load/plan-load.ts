import type { Checkpoint, CheckpointView, LoadOptions } from '../checkpoint/checkpoint.ts';
import type { HostTensor } from '../checkpoint/host-tensor.ts';
import { HooklineError } from '../errors.ts';
import type { EngineHookSet } from '../hooks/hook-table.ts';
import type { JsonValue } from '../json.ts';
import { identityOf, namesOf, shortName } from '../plugin/plugin.ts';
import { didYouMean } from '../suggest-name.ts';

/** A load whose checkpoint has been checked. Nothing has changed yet. */
export interface LoadPlan {
  /** Whether {@link LoadPlan.apply} changes anything. */
  readonly hasChanges: boolean;
  /** Entries and tensors that no tap has read, since their owners are not in this trainer. */
  unread(): readonly string[];
  /** @throws HooklineError `HKL_OPTION_INVALID` for a name in `allowMismatch` that nobody has */
  assertAllowedNames(): void;
  /** Makes the changes, in the order in which the taps handed them over. */
  apply(): Promise<void>;
}

/** What a load is given besides the checkpoint. */
interface LoadRequest extends Required<LoadOptions>, Pick<CheckpointView, 'source' | 'purpose' | 'isForeign'> {}

/**
 * Calls the `loadState` hook, whose taps check the checkpoint and hand over their changes.
 *
 * @throws what the taps raise for a checkpoint that does not fit
 */
export async function planLoad(
  hooks: EngineHookSet,
  { manifest, tensors }: Checkpoint,
  { allowMismatch, ...request }: LoadRequest,
): Promise<LoadPlan> {
  const { iteration, entries } = manifest;
  /** Names of owners whom a tap has asked about. */
  const owners = new Set<string>();
  const readEntries = new Set<string>();
  const readTensors = new Set<string>();
  const changes: (() => void | Promise<void>)[] = [];
  await hooks.byName.loadState.call({
    ...request,
    iteration,
    tensors: new ReadMap<HostTensor>(tensors, readTensors),
    get(key) {
      readEntries.add(key);
      const entry = Object.hasOwn(entries, key) ? entries[key] : undefined;
      return entry === undefined ? undefined : { data: entry.data as JsonValue, version: Number(entry.version ?? 1) };
    },
    allowsMismatch(owner) {
      const names = namesOf(identityOf(owner));
      for (const name of names) owners.add(name);
      return names.some((name) => allowMismatch.includes(name));
    },
    apply(change) {
      changes.push(change);
    },
  });
  return {
    hasChanges: changes.length > 0,
    unread: () => [
      ...Object.keys(entries)
        .filter((key) => !readEntries.has(key))
        .map((key) => `entry "${key}"`),
      ...[...tensors.keys()].filter((name) => !readTensors.has(name)).map((name) => `tensor "${name}"`),
    ],
    assertAllowedNames() {
      const unknown = allowMismatch.find((name) => !owners.has(name));
      if (unknown === undefined) return;
      throw new HooklineError('HKL_OPTION_INVALID', `"${unknown}" is neither here nor in ${request.source}`, {
        who: 'option allowMismatch',
        fix: didYouMean(unknown, [...new Set([...owners].map(shortName))].sort()),
      });
    },
    async apply() {
      for (const change of changes) await change();
    },
  };
}

/** A map that records the keys whose values were read. */
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
