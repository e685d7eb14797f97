/** What failed as one error: undefined for nothing, the one error as it is, or an AggregateError that the first leads. */
export function asOne(errors: readonly unknown[]): unknown {
  const [first] = errors;
  if (errors.length <= 1) return first;
  const message = first instanceof Error ? first.message : String(first);
  return new AggregateError(errors, `${message} (and ${errors.length - 1} more: see errors)`, { cause: first });
}

/** Throws what failed: nothing, the one error as it is, or all of them with the first in front. */
export function throwAll(errors: readonly unknown[]): void {
  if (errors.length > 0) throw asOne(errors);
}

/** Runs all functions one after the other, whatever some of them do, and then throws what failed as {@link throwAll}. */
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
