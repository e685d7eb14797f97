import type { GraphRecord } from '../graph-record.ts';
import type { ResolvedPrecision } from '../precision.ts';

/** What passes know in addition to the record. */
export interface PassOptions {
  readonly precision: ResolvedPrecision;
}

/** One rewrite of a record. The record computes the same afterwards, up to rounding. */
export interface GraphPass {
  readonly name: string;
  run(record: GraphRecord, options: PassOptions): void;
}
