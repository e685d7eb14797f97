/**
 * Combines errors into one: undefined for none, a single error as it is, several as an AggregateError that begins with
 * the first.
 */
export function asOne(errors: readonly unknown[]): unknown {
  const [first] = errors;
  if (errors.length <= 1) return first;
  const message = first instanceof Error ? first.message : String(first);
  return new AggregateError(errors, `${message} (and ${errors.length - 1} more: see errors)`, { cause: first });
}

/** Throws the combined error of {@link asOne}; does nothing where there is none. */
export function throwAll(errors: readonly unknown[]): void {
  if (errors.length > 0) throw asOne(errors);
}

/**
 * Runs all functions one after the other, also after one that fails, and then throws what failed as {@link throwAll}
 * does.
 */
export async function runAll(functions: Iterable<() => unknown>): Promise<void> {
  const errors: unknown[] = [];
  for (const run of functions) {
    try {
      await run();
    } catch (error) {
      errors.push(error);
    }
  }
  throwAll(errors);
}
