/** Running mean in both directions: each value becomes the weighted mean of those around, by distance in points. */
export function smooth(values: readonly number[], radius: number): number[] {
  if (radius < 1) return [...values];
  // A triangular window; near the ends it is cut off, so that the curve does not sag there.
  return values.map((_, center) => {
    let [sum, weights] = [0, 0];
    const reach = Math.min(radius, Math.max(center, 1), Math.max(values.length - 1 - center, 1));
    for (let i = Math.max(0, center - reach); i <= Math.min(values.length - 1, center + reach); i++) {
      const weight = radius + 1 - Math.abs(i - center);
      sum += (values[i] ?? 0) * weight;
      weights += weight;
    }
    return sum / weights;
  });
}
