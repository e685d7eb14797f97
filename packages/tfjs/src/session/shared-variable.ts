import type tf from '#tfjs';
import { aliasOf, handleOf, type NativeBackend, type NativeTensorInfo } from '../device/native-backend.ts';

/** An owner of variables' latest values, from whom others can fetch them. */
export interface ValueOwner {
  /** Fetches every value that only this owner has, and hands it over with {@link SharedVariable.fetched}. */
  pull(): void;
}

const SHARED = new WeakMap<tf.Variable, SharedVariable>();
/** For tfjs's record of a tensor, the shared variable that provides the tensor's handle on demand. */
const BOUND = new WeakMap<NativeTensorInfo, SharedVariable>();

/**
 * A tfjs variable of which sessions hold copies. There is one object per variable, however many sessions use it.
 *
 * The latest value is either behind a handle of the host or in one session, its owner. A version number tells whether a copy
 * is up to date. The tfjs variable's handle is fetched on demand: by a tfjs op, `dataSync`, a checkpoint or another session.
 * An assignment by the host is detected because the variable then has other data; it may be the previous data of another
 * shared variable, as after a swap of weights. Clones that the host makes keep the value from the time of the clone.
 */
export class SharedVariable {
  readonly variable: tf.Variable;
  readonly #backend: NativeBackend;
  /** The data id of the tfjs variable that belongs to the shared value. A different one means that the host has assigned. */
  #dataId: object;
  #info: NativeTensorInfo;
  #handle: number | undefined;
  #owner: ValueOwner | undefined;
  #version = 0;
  #users = 0;

  private constructor(backend: NativeBackend, variable: tf.Variable) {
    this.#backend = backend;
    this.variable = variable;
    this.#dataId = variable.dataId;
    this.#info = backend.tensorMap.get(variable.dataId);
  }

  /** Returns the shared object of a variable and adds a user. Every call needs a {@link leave}. */
  static join(backend: NativeBackend, variable: tf.Variable): SharedVariable {
    let shared = SHARED.get(variable);
    if (shared === undefined) SHARED.set(variable, (shared = new SharedVariable(backend, variable)));
    shared.#users++;
    return shared;
  }

  /** Removes a user. After the last one the tfjs variable is an ordinary one again; its value must have been fetched. */
  leave(): void {
    if (--this.#users > 0) return;
    this.#unbind();
    SHARED.delete(this.variable);
  }

  /** The number of the current value. A copy with another version is outdated. */
  get version(): number {
    return this.#version;
  }

  /** Whether the variable was disposed of, alone or by disposing of all variables. */
  get isDisposed(): boolean {
    return this.variable.isDisposed || !this.#backend.tensorMap.has(this.variable.dataId);
  }

  get #isBound(): boolean {
    return BOUND.get(this.#info) === this;
  }

  /** Whether only `owner` has the latest value. */
  isBehind(owner: ValueOwner): boolean {
    return this.#isBound && this.#handle === undefined && this.#owner === owner && !this.isDisposed;
  }

  /** Returns a handle of the latest value. The variable keeps the handle; do not delete it. */
  handle(): number {
    if (!this.#isBound) this.syncWithHost();
    if (this.#handle === undefined) this.#owner?.pull();
    if (this.#handle === undefined) throw new Error(`the value of the variable ${this.variable.name} is lost`);
    return this.#handle;
  }

  /** Takes over a handle of the latest value from its owner. */
  fetched(handle: number): void {
    this.#handle = handle;
  }

  /**
   * Notes that `owner` is about to change the value, which makes every other copy outdated. It also frees the handle, so
   * nothing shares the memory and the session can update it in place.
   */
  release(owner: ValueOwner): void {
    this.#version++;
    this.#owner = owner;
    if (this.#handle === undefined) return;
    if (!this.isDisposed) this.#backend.binding.deleteTensor(this.#handle);
    this.#handle = undefined;
  }

  /**
   * Takes over what the host has assigned since the last call. Where clones of the host share the data, the variable gets a
   * copy of its own.
   */
  syncWithHost(): void {
    const { variable } = this;
    const isWritten = variable.dataId !== this.#dataId;
    if (!isWritten && this.#isBound && this.#info.refCount === 1) return;
    if (isWritten) {
      this.#unbind();
      this.#version++;
    }
    this.#look();
    if (this.#info.refCount > 1) {
      this.#unbind();
      const copy = this.#backend.createOutputTensor(aliasOf(this.#backend.binding, this.#info.id));
      variable.assign(copy);
      copy.dispose();
      this.#look();
    }
    this.#bind();
  }

  /** Takes over the data that the tfjs variable has now, and unbinds another shared variable that is bound to this data. */
  #look(): void {
    this.#dataId = this.variable.dataId;
    this.#info = this.#backend.tensorMap.get(this.#dataId);
    if (this.#isBound) return;
    const other = BOUND.get(this.#info);
    if (other !== undefined) other.#unbind();
    this.#handle = handleOf(this.#backend, this.variable);
  }

  /** Makes the tfjs variable's handle be fetched on demand. Nothing else may share its data. */
  #bind(): void {
    if (this.#isBound) return;
    BOUND.set(this.#info, this);
    Object.defineProperty(this.#info, 'id', { configurable: true, enumerable: true, get: () => this.handle() });
  }

  /** Gives the handle to tfjs's record of the tensor, which owns it from then on. */
  #unbind(): void {
    if (!this.#isBound) return;
    const info = this.#info;
    // Where the host has assigned another value, the record may be gone: tfjs freed it together with its handle.
    if (this.#backend.tensorMap.has(this.#dataId)) {
      const { id } = info;
      Object.defineProperty(info, 'id', { configurable: true, enumerable: true, writable: true, value: id });
    }
    BOUND.delete(info);
    this.#handle = undefined;
  }
}
