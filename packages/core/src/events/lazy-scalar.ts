/**
 * A scalar that is still somewhere slow, such as on the device, and is read only when somebody asks for its value.
 *
 * The storage owns what is put into it: it reads the scalar at most once and disposes it exactly once, also when
 * reading fails, when the storage refuses it, and when the same object was put under several names.
 */
export interface LazyScalar {
  /** Returns the value, or a promise of it. Called at most once. */
  read(): number | Promise<number>;
  /** Frees what holds the value. Called exactly once, after `read` or when the value is not needed any more. */
  dispose?(): void;
}
