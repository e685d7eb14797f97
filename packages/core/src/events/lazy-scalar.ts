/**
 * A scalar that is still somewhere slow, such as on the device, and is read only when somebody asks for its value.
 *
 * Whoever puts it into the storage gives it away: the storage reads it at most once and disposes it exactly once, also
 * when reading fails, when the storage refuses it, and when the same object was put under several names.
 */
export interface LazyScalar {
  /** The value; called at most once. A promise when it cannot be had at once. */
  read(): number | Promise<number>;
  /** Frees what holds the value; called exactly once, after `read` has given it or when nobody will ask any more. */
  dispose?(): void;
}
