/** The part of an optimizer's parameter group that matters here. */
interface Group {
  readonly names: readonly string[];
  readonly lrFactor: number;
}

/**
 * The factor of the group whose learning rate is shown as `lr`: the group with most parameters; where all have one
 * parameter, the factor that most groups have.
 */
export function shownFactor(groups: readonly Group[]): number {
  const largest = Math.max(0, ...groups.map(({ names }) => names.length));
  if (largest > 1) return groups.find(({ names }) => names.length === largest)?.lrFactor ?? 1;
  const counts = new Map<number, number>();
  for (const { lrFactor } of groups) counts.set(lrFactor, (counts.get(lrFactor) ?? 0) + 1);
  const most = Math.max(0, ...counts.values());
  return [...counts].find(([, count]) => count === most)?.[0] ?? 1;
}
