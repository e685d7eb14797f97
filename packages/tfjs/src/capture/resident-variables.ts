import type * as tf from '@tensorflow/tfjs';
import type { GraphSession } from './graph-session.ts';
import type { VariableSpec } from './graph-record.ts';
import { handleOf, type NativeBackend, type NativeTensorInfo } from './native-backend.ts';
import { aliasOf } from './native-tensors.ts';

interface Resident {
  readonly spec: VariableSpec;
  readonly variable: tf.Variable;
  /** The data of the tfjs variable that stands for the session's value. Another one means that the host wrote. */
  dataId: object;
  info: NativeTensorInfo;
  /** A handle with the session's value, or undefined where the session is ahead. */
  handle: number | undefined;
}

/**
 * Keeps tfjs variables and a session's variables the same without a copy per step.
 *
 * While a session owns the values, the handle behind a tfjs variable is fetched when somebody asks for it: any tfjs
 * op, any `dataSync`, a checkpoint. A variable that the host assigns is noticed by its new data and is written into
 * the session before the next run. Clones taken by the host keep the value that they were taken of.
 */
export class ResidentVariables {
  readonly #backend: NativeBackend;
  readonly #residents = new Map<string, Resident>();
  #session: GraphSession | undefined;

  constructor(backend: NativeBackend) {
    this.#backend = backend;
  }

  /** What the session must hold. */
  get specs(): VariableSpec[] {
    return [...this.#residents.values()].map(({ spec }) => spec);
  }

  get variables(): ReadonlyMap<string, tf.Variable> {
    return new Map([...this.#residents].map(([key, { variable }]) => [key, variable]));
  }

  /** Adds a variable; it takes effect with the next `moveTo`. */
  add(spec: VariableSpec, variable: tf.Variable): void {
    if (this.#residents.has(spec.key)) return;
    const handle = handleOf(this.#backend, variable);
    const { dataId } = variable;
    this.#residents.set(spec.key, { spec, variable, dataId, info: this.#backend.tensorMap.get(dataId), handle });
  }

  /** Makes another session the owner of the values, and transfers them. */
  moveTo(session: GraphSession): void {
    this.pull();
    this.#session = session;
    for (const resident of this.#residents.values()) this.#settle(resident);
    session.write(
      [...this.#residents.values()].map(({ spec, handle }) => ({ key: spec.key, handle: handle as number })),
    );
  }

  /** Brings what the host has written into the session. Call before each run. */
  push(): void {
    let writes: { key: string; handle: number }[] | undefined;
    for (const resident of this.#residents.values()) {
      const { variable, dataId, info } = resident;
      if (variable.dataId === dataId && info.refCount === 1) continue;
      const isWritten = variable.dataId !== dataId;
      if (isWritten && variable.isDisposed) continue;
      this.#settle(resident);
      if (isWritten) (writes ??= []).push({ key: resident.spec.key, handle: resident.handle as number });
    }
    if (writes !== undefined) this.#session?.write(writes);
  }

  /**
   * The session is about to change these variables: what the host holds of them is out of date. Freeing the handles
   * first also lets the session update in place, since nothing shares its memory.
   */
  release(keys: Iterable<string>): void {
    for (const key of keys) {
      const resident = this.#residents.get(key);
      if (resident?.handle === undefined) continue;
      if (!resident.variable.isDisposed) this.#backend.binding.deleteTensor(resident.handle);
      resident.handle = undefined;
    }
  }

  /** Fetches every value that the session is ahead with. */
  pull(): void {
    const behind = [...this.#residents.values()].filter(
      ({ handle, variable }) => handle === undefined && !variable.isDisposed,
    );
    const values = this.#session?.read(behind.map(({ spec }) => spec.key)) ?? [];
    behind.forEach((resident, place) => (resident.handle = values[place]?.id));
  }

  /** Hands the values back to tfjs: from here on its variables are ordinary ones. */
  close(): void {
    this.pull();
    for (const resident of this.#residents.values()) this.#makeOrdinary(resident);
    this.#residents.clear();
    this.#session = undefined;
  }

  /** Binds the resident to the data that its variable has now, which nobody may share. */
  #settle(resident: Resident): void {
    const { variable } = resident;
    if (variable.dataId !== resident.dataId) {
      this.#makeOrdinary(resident);
      resident.handle = handleOf(this.#backend, variable);
      this.#bind(resident);
    }
    if (resident.info.refCount > 1) {
      this.#makeOrdinary(resident);
      const copy = this.#backend.createOutputTensor(aliasOf(this.#backend.binding, resident.info.id));
      variable.assign(copy);
      copy.dispose();
      resident.handle = handleOf(this.#backend, variable);
    }
    this.#bind(resident);
  }

  #bind(resident: Resident): void {
    resident.dataId = resident.variable.dataId;
    resident.info = this.#backend.tensorMap.get(resident.dataId);
    Object.defineProperty(resident.info, 'id', {
      configurable: true,
      enumerable: true,
      get: () => {
        if (resident.handle === undefined) this.pull();
        return resident.handle;
      },
    });
  }

  #makeOrdinary({ info, dataId }: Resident): void {
    // Gone already where the host has assigned another value: tfjs frees the old one with the handle it asked for.
    if (!this.#backend.tensorMap.has(dataId)) return;
    const id = info.id;
    Object.defineProperty(info, 'id', { configurable: true, enumerable: true, writable: true, value: id });
  }
}
