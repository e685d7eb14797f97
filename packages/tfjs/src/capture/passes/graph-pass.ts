import type { GraphRecord } from '../graph-record.ts';
import type { Precision } from '../precision.ts';

/** What passes go by. */
export interface PassOptions {
  readonly precision: Precision;
}

/** One rewrite of a record that leaves what it computes the same, up to rounding. */
export interface GraphPass {
  readonly name: string;
  run(record: GraphRecord, options: PassOptions): void;
}
