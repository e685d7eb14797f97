import type tf from '#tfjs';
import type { GraphSession } from './graph-session.ts';
import type { VariableSpec } from '../graph/graph-record.ts';
import type { NativeBackend } from '../device/native-backend.ts';
import { SharedVariable, type ValueOwner } from './shared-variable.ts';

interface Resident {
  readonly spec: VariableSpec;
  readonly shared: SharedVariable;
  /** The version of the session's copy of the value; -1 where the session has none. */
  version: number;
}

/**
 * Keeps a session's variables equal to tfjs variables without a copy per step, even where other sessions read and write the
 * same variables: before a run the session gets only the values that the host or another session has changed.
 */
export class ResidentVariables implements ValueOwner {
  readonly #backend: NativeBackend;
  readonly #residents = new Map<string, Resident>();
  #session: GraphSession | undefined;

  constructor(backend: NativeBackend) {
    this.#backend = backend;
  }

  /** The variables that the session must hold. */
  get specs(): VariableSpec[] {
    return [...this.#residents.values()].map(({ spec }) => spec);
  }

  /** The tfjs variables, by key. */
  get variables(): ReadonlyMap<string, tf.Variable> {
    return new Map([...this.#residents].map(([key, { shared }]) => [key, shared.variable]));
  }

  /** Adds a variable; it takes effect with the next `moveTo`. */
  add(spec: VariableSpec, variable: tf.Variable): void {
    if (this.#residents.has(spec.key)) return;
    this.#residents.set(spec.key, { spec, shared: SharedVariable.join(this.#backend, variable), version: -1 });
  }

  /** Makes `session` the one that holds the values, and copies them to it. */
  moveTo(session: GraphSession): void {
    this.pull();
    this.#session = session;
    for (const resident of this.#residents.values()) resident.version = -1;
    this.push();
  }

  /** Copies the values that the host or other sessions have written into this session. Call it before each run. */
  push(): void {
    let writes: { key: string; handle: number }[] | undefined;
    for (const resident of this.#residents.values()) {
      const { shared } = resident;
      if (shared.isDisposed) continue;
      shared.syncWithHost();
      if (resident.version === shared.version) continue;
      (writes ??= []).push({ key: resident.spec.key, handle: shared.handle() });
      resident.version = shared.version;
    }
    if (writes !== undefined) this.#session?.write(writes);
  }

  /** Notes that the session is about to change these variables, which makes every other copy of them outdated. */
  release(keys: Iterable<string>): void {
    for (const key of keys) {
      const resident = this.#residents.get(key);
      if (resident === undefined) continue;
      resident.shared.release(this);
      resident.version = resident.shared.version;
    }
  }

  /** Fetches every value of which only this session has the latest version. */
  pull(): void {
    const behind = [...this.#residents.values()].filter(({ shared }) => shared.isBehind(this));
    const values = this.#session?.read(behind.map(({ spec }) => spec.key)) ?? [];
    behind.forEach(({ shared }, place) => {
      const value = values[place];
      if (value !== undefined) shared.fetched(value.id);
    });
  }

  /** Returns the values to tfjs. Its variables are ordinary ones afterwards, unless other sessions share them. */
  close(): void {
    this.pull();
    for (const { shared } of this.#residents.values()) shared.leave();
    this.#residents.clear();
    this.#session = undefined;
  }
}
