/** A host value that decides what a step computes. */
export type VariantValue = string | number | boolean;

/**
 * A host choice that changes the control flow inside a step, such as whether this step accumulates or applies
 * gradients: what JAX calls a static argument. Each combination of values is recorded and kept as its own step, so use
 * few values.
 */
export class StepVariant<T extends VariantValue = VariantValue> {
  readonly name: string;
  readonly #read: () => T;
  #frozen: { readonly value: T } | undefined;

  constructor(name: string, read: () => T) {
    this.name = name;
    this.#read = read;
  }

  /** The value; inside a step it is fixed for the whole step. */
  get value(): T {
    return this.#frozen === undefined ? this.#read() : this.#frozen.value;
  }

  /** For runners: call it when a step begins. */
  begin(): void {
    this.#frozen = { value: this.#read() };
  }

  /** For runners: call it when the step has ended. */
  end(): void {
    this.#frozen = undefined;
  }
}
