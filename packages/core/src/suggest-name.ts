/** Levenshtein distance between two short names, in edits. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** The known name nearest to `name`, or undefined when none is near enough to be meant. */
export function suggestName(name: string, known: Iterable<string>): string | undefined {
  const wanted = name.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** `Did you mean "x"? Known: a, b, x` (without the question when nothing is near), for use as an error's `fix`. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const names = [...known].sort();
  const near = suggestName(name, names);
  const list = names.length === 0 ? 'There are none' : `Known: ${names.join(', ')}`;
  return near === undefined ? list : `Did you mean "${near}"? ${list}`;
}
