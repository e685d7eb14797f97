/** Running mean in both directions: each value becomes the weighted mean of those around, by distance in points. */
export function smooth(values: readonly number[], radius: number): number[] {
  if (radius < 1) return [...values];
  // A triangular window, narrower near the ends, where one side is missing and a steep curve would sag.
  return values.map((_, center) => {
    let [sum, weights] = [0, 0];
    const least = Math.ceil(radius / 3);
    const reach = Math.min(radius, Math.max(center, least), Math.max(values.length - 1 - center, least));
    for (let i = Math.max(0, center - reach); i <= Math.min(values.length - 1, center + reach); i++) {
      const weight = radius + 1 - Math.abs(i - center);
      sum += (values[i] ?? 0) * weight;
      weights += weight;
    }
    return sum / weights;
  });
}
