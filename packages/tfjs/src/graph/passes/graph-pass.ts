import type { GraphRecord } from '../graph-record.ts';
import type { ResolvedPrecision } from '../precision.ts';

/** What passes go by. */
export interface PassOptions {
  readonly precision: ResolvedPrecision;
}

/** One rewrite of a record that leaves what it computes the same, up to rounding. */
export interface GraphPass {
  readonly name: string;
  run(record: GraphRecord, options: PassOptions): void;
}
