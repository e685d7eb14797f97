import type { Figure } from './figure.ts';

/** What the command line gave: `--quick`, and any other `--name value` by its name; numbers as numbers. */
export interface BenchmarkArgs {
  /** Fewer rounds: to see that it runs, not to quote its figures. */
  readonly quick: boolean;
  readonly [name: string]: string | number | boolean | undefined;
}

export interface BenchmarkResult {
  /** By label, `step.loop` or `added.bare`. */
  readonly figures: Readonly<Record<string, Figure>>;
  /** Lines for people: what was measured and how. */
  readonly notes?: readonly string[];
}

/** The default export of `benchmarks/NAME/bench.ts`. */
export type Benchmark = (args: BenchmarkArgs) => Promise<BenchmarkResult>;
