/** Two-sided running mean: each value becomes the mean of its neighbours, weighted by distance in points. */
export function smooth(values: readonly number[], radius: number): number[] {
  if (radius < 1) return [...values];
  // A triangular window. It is narrower near the ends, where a one-sided window would distort a steep curve.
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
