/** Some of a config's values: every key may be left out, in its sections too. */
export type ConfigValues<C> = {
  readonly [Key in keyof C]?: C[Key] extends readonly unknown[]
    ? C[Key]
    : C[Key] extends object
      ? ConfigValues<C[Key]>
      : C[Key];
};

/**
 * Returns `values` with the keys that `more` sets taken from `more`: sections are merged key by key, at every depth; lists and other
 * values are replaced.
 */
export function mergeConfig(values: object, more: object): object {
  const result: Record<string, unknown> = { ...values };
  for (const [key, value] of Object.entries(more)) {
    const before = result[key];
    result[key] = isSection(before) && isSection(value) ? mergeConfig(before, value) : value;
  }
  return result;
}

/** Formats values of a config for people: `solver.batchSize 4, input.width 96`. */
export function describeConfigValues(values: object, prefix = ''): string {
  return Object.entries(values)
    .map(([key, value]) =>
      isSection(value) ? describeConfigValues(value, `${prefix}${key}.`) : `${prefix}${key} ${JSON.stringify(value)}`,
    )
    .join(', ');
}

/** Whether a value of a config holds further keys. */
export const isSection = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
