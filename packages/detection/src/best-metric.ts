/**
 * Turns `checkpoint.best` into a key of the results. Results of a single data set are not nested; those of several are nested
 * by data set name, and a metric without such a name means the first data set.
 *
 * @param best a metric such as `bbox/AP` or `test/bbox/AP`
 * @param datasets names of the test data sets
 * @returns the empty string without a metric or a test data set
 */
export function bestMetric(best: string, datasets: readonly string[]): string {
  const [first] = datasets;
  if (best === '' || first === undefined) return '';
  const named = datasets.find((name) => best.startsWith(`${name}/`));
  if (datasets.length === 1) return named === undefined ? best : best.slice(named.length + 1);
  return named === undefined ? `${first}/${best}` : best;
}
