/** Throws what failed: nothing, the one error as it is, or all of them with the first in front. */
export function throwAll(errors: readonly unknown[]): void {
  const [first] = errors;
  if (errors.length === 0) return;
  if (errors.length === 1) throw first;
  const message = first instanceof Error ? first.message : String(first);
  throw new AggregateError(errors, `${message} (and ${errors.length - 1} more: see errors)`, { cause: first });
}
