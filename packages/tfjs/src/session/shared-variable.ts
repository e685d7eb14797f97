import type tf from '#tfjs';
import { aliasOf, handleOf, type NativeBackend, type NativeTensorInfo } from '../device/native-backend.ts';

/** Who can fetch a variable's value while nobody else has it. */
export interface ValueOwner {
  /** Fetches every value that this owner alone has, and hands it over with {@link SharedVariable.fetched}. */
  pull(): void;
}

const SHARED = new WeakMap<tf.Variable, SharedVariable>();
/** The variable for which tfjs's record of a tensor asks when somebody wants the tensor's handle. */
const BOUND = new WeakMap<NativeTensorInfo, SharedVariable>();

/**
 * A tfjs variable of which sessions hold copies; there is one object for each variable, however many sessions use it.
 *
 * The latest value is either behind a handle of the host or in one session, its owner. A version says whether a copy is the
 * latest value. The handle behind the tfjs variable is fetched when somebody asks for it: any tfjs op, any `dataSync`, a
 * checkpoint, another session. A value that the host assigns is noticed by its new data, which may be the data that another
 * shared variable had before: whoever swaps weights exchanges them. Clones taken by the host keep the value that they were
 * taken of.
 */
export class SharedVariable {
  readonly variable: tf.Variable;
  readonly #backend: NativeBackend;
  /** The data of the tfjs variable that stands for the shared value. Another one means that the host wrote. */
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

  /** The shared side of a variable. Every call needs a {@link leave}. */
  static join(backend: NativeBackend, variable: tf.Variable): SharedVariable {
    let shared = SHARED.get(variable);
    if (shared === undefined) SHARED.set(variable, (shared = new SharedVariable(backend, variable)));
    shared.#users++;
    return shared;
  }

  /** A user is done. After the last one the tfjs variable is an ordinary one; its value must have been fetched. */
  leave(): void {
    if (--this.#users > 0) return;
    this.#unbind();
    SHARED.delete(this.variable);
  }

  /** Grows with each value; a copy made at another version is out of date. */
  get version(): number {
    return this.#version;
  }

  /** Whether the variable was disposed of, by itself or with all others. */
  get isDisposed(): boolean {
    return this.variable.isDisposed || !this.#backend.tensorMap.has(this.variable.dataId);
  }

  get #isBound(): boolean {
    return BOUND.get(this.#info) === this;
  }

  /** Whether `owner` alone has the value. */
  isBehind(owner: ValueOwner): boolean {
    return this.#isBound && this.#handle === undefined && this.#owner === owner && !this.isDisposed;
  }

  /** A handle with the latest value, which stays the variable's. */
  handle(): number {
    if (!this.#isBound) this.settle();
    if (this.#handle === undefined) this.#owner?.pull();
    if (this.#handle === undefined) throw new Error(`the value of the variable ${this.variable.name} is lost`);
    return this.#handle;
  }

  /** The owner hands over a handle with the value. */
  fetched(handle: number): void {
    this.#handle = handle;
  }

  /**
   * `owner` is about to change the value: what anybody else holds is out of date. Freeing the handle first also lets the
   * session update in place, since nothing shares its memory.
   */
  release(owner: ValueOwner): void {
    this.#version++;
    this.#owner = owner;
    if (this.#handle === undefined) return;
    if (!this.isDisposed) this.#backend.binding.deleteTensor(this.#handle);
    this.#handle = undefined;
  }

  /** Takes notice of what the host has done: a value that it has assigned, clones that it has taken. */
  settle(): void {
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

  /** Takes the data that the variable has now, which is an ordinary tensor unless it is bound to this variable. */
  #look(): void {
    this.#dataId = this.variable.dataId;
    this.#info = this.#backend.tensorMap.get(this.#dataId);
    if (this.#isBound) return;
    const other = BOUND.get(this.#info);
    if (other !== undefined) other.#unbind();
    this.#handle = handleOf(this.#backend, this.variable);
  }

  /** Lets the tfjs variable ask for the value; nobody may share its data. */
  #bind(): void {
    if (this.#isBound) return;
    BOUND.set(this.#info, this);
    Object.defineProperty(this.#info, 'id', { configurable: true, enumerable: true, get: () => this.handle() });
  }

  /** Gives the value to tfjs's record of the tensor, to which the handle belongs from here on. */
  #unbind(): void {
    if (!this.#isBound) return;
    const info = this.#info;
    // Gone already where the host has assigned another value: tfjs frees the old one with the handle it asked for.
    if (this.#backend.tensorMap.has(this.#dataId)) {
      const { id } = info;
      Object.defineProperty(info, 'id', { configurable: true, enumerable: true, writable: true, value: id });
    }
    BOUND.delete(info);
    this.#handle = undefined;
  }
}
