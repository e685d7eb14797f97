/** Some of a config's values: every key may be left out, in its sections too. */
export type ConfigPart<C> = {
  readonly [Key in keyof C]?: C[Key] extends readonly unknown[]
    ? C[Key]
    : C[Key] extends object
      ? ConfigPart<C[Key]>
      : C[Key];
};

/** A copy of `values` with `more` in its place where it says something; sections are joined, lists are replaced. */
export function layOver(values: object, more: object): object {
  const result: Record<string, unknown> = { ...values };
  for (const [key, value] of Object.entries(more)) {
    const before = result[key];
    result[key] = isSection(before) && isSection(value) ? layOver(before, value) : value;
  }
  return result;
}

/** `solver.batchSize 4, input.width 96`: what a part of a config says, for people. */
export function describePart(part: object, prefix = ''): string {
  return Object.entries(part)
    .map(([key, value]) =>
      isSection(value) ? describePart(value, `${prefix}${key}.`) : `${prefix}${key} ${JSON.stringify(value)}`,
    )
    .join(', ');
}

/** Whether a value of a config holds further keys. */
export const isSection = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
