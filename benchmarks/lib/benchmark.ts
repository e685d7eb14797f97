import type { Figure } from './figure.ts';

/** The parsed command line: `--quick`, and every other `--name value` by its name. Numeric values are numbers. */
export interface BenchmarkArgs {
  /** Run fewer rounds, to check that the benchmark works. The figures are not meaningful. */
  readonly quick: boolean;
  readonly [name: string]: string | number | boolean | undefined;
}

export interface BenchmarkResult {
  /** Figures by label, for example `step.loop` or `added.bare`. */
  readonly figures: Readonly<Record<string, Figure>>;
  /** Lines of text that explain what was measured and how. */
  readonly notes?: readonly string[];
}

/** The default export of `benchmarks/NAME/bench.ts`. `folder` is empty, and is removed with what was written into it. */
export type Benchmark = (args: BenchmarkArgs, folder: string) => Promise<BenchmarkResult>;
