/** Abbreviates names by their common prefix: `conv1/{bias, kernel}, scale`. */
export function groupNames(names: Iterable<string>): string {
  const groups = new Map<string, string[]>();
  for (const name of [...names].sort()) {
    const slash = name.lastIndexOf('/');
    const prefix = name.slice(0, slash + 1);
    const group = groups.get(prefix);
    if (group === undefined) groups.set(prefix, [name.slice(slash + 1)]);
    else group.push(name.slice(slash + 1));
  }
  return [...groups]
    .map(([prefix, ends]) =>
      ends.length > 1 && prefix !== '' ? `${prefix}{${ends.join(', ')}}` : ends.map((end) => prefix + end).join(', '),
    )
    .join(', ');
}
