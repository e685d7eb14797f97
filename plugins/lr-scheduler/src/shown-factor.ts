/** The part of an optimizer's parameter group that is needed here. */
interface Group {
  readonly names: readonly string[];
  readonly lrFactor: number;
}

/**
 * The factor of the group whose learning rate is stored as `lr`: the group with the most parameters; if all groups have one
 * parameter, the most frequent factor.
 */
export function shownFactor(groups: readonly Group[]): number {
  const largest = Math.max(0, ...groups.map(({ names }) => names.length));
  if (largest > 1) return groups.find(({ names }) => names.length === largest)?.lrFactor ?? 1;
  const counts = new Map<number, number>();
  for (const { lrFactor } of groups) counts.set(lrFactor, (counts.get(lrFactor) ?? 0) + 1);
  const most = Math.max(0, ...counts.values());
  return [...counts].find(([, count]) => count === most)?.[0] ?? 1;
}
