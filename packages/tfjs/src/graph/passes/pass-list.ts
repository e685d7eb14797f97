import type { GraphRecord } from '../graph-record.ts';
import { biasAdd } from './bias-add.ts';
import { biasAddGrad } from './bias-add-grad.ts';
import { conditionalUpdates } from './conditional-updates.ts';
import { constants } from './constants.ts';
import { fusedUpdates } from './fused-updates.ts';
import type { GraphPass, PassOptions } from './graph-pass.ts';
import { matMul } from './mat-mul.ts';
import { mixedPrecision } from './mixed-precision.ts';
import { reshapePairs } from './reshape-pairs.ts';
import { sameCasts } from './same-casts.ts';
import { sparseUpdates } from './sparse-updates.ts';

/** All passes, in the order in which they run. */
export const PASSES: readonly GraphPass[] = [
  matMul,
  reshapePairs,
  sameCasts,
  biasAdd,
  biasAddGrad,
  conditionalUpdates,
  fusedUpdates,
  sparseUpdates,
  mixedPrecision,
  constants,
];

/** Runs all passes on a record. */
export function runPasses(record: GraphRecord, options: PassOptions): void {
  for (const pass of PASSES) pass.run(record, options);
}
