export { barChart, type Bar, type BarGroup } from './bar-chart.ts';
export { alternate, figureOfPairs, type AlternateOptions, type Contest, type Contestant } from './alternate.ts';
export { figure, median, type Figure } from './figure.ts';
export { listArgument } from './list-argument.ts';
export type { Benchmark, BenchmarkArgs, BenchmarkResult } from './benchmark.ts';
