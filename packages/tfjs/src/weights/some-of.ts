/** Items that a sentence names. */
const NAMED = 4;

/** The first of several things, and how many more there are. */
export function someOf(items: readonly string[]): string {
  const rest = items.length - NAMED;
  // One more takes no more room than to say so.
  if (rest <= 1) return items.join(', ');
  return `${items.slice(0, NAMED).join(', ')} and ${rest} more`;
}

/** The layer that a weight is of: what stands before the last part of its name. */
export const layerOf = (name: string): string => name.replace(/[/.][^/.]*$/, '');

/** The layers that some weights are of, each once. */
export const layersAmong = (names: readonly string[]): readonly string[] => [...new Set(names.map(layerOf))];
