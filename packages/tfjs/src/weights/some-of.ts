/** The number of items that a sentence names. */
const NAMED = 4;

/** Lists the first items and the number of the others, such as `a, b, c, d and 3 more`. */
export function someOf(items: readonly string[]): string {
  const rest = items.length - NAMED;
  // A single further item takes no more room than "and 1 more".
  if (rest <= 1) return items.join(', ');
  return `${items.slice(0, NAMED).join(', ')} and ${rest} more`;
}

/** Returns the layer of a weight: its name without the last part. */
export const layerOf = (name: string): string => name.replace(/[/.][^/.]*$/, '');

/** Returns the layers of some weights, each once. */
export const layersAmong = (names: readonly string[]): readonly string[] => [...new Set(names.map(layerOf))];
