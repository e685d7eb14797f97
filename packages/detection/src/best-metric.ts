/**
 * `checkpoint.best` as the results are named: those of a single data set are not nested, those of several are by data
 * set, and a metric without one means that of the first.
 *
 * @param datasets names of the test data sets; without any there is no metric
 */
export function bestMetric(best: string, datasets: readonly string[]): string {
  const [first] = datasets;
  if (best === '' || first === undefined) return '';
  const named = datasets.find((name) => best.startsWith(`${name}/`));
  if (datasets.length === 1) return named === undefined ? best : best.slice(named.length + 1);
  return named === undefined ? `${first}/${best}` : best;
}
