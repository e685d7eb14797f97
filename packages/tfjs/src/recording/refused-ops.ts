import { captureError } from '../graph/capture-errors.ts';
import type { Origin } from '../graph/graph-record.ts';

/** Ops that draw from a hidden random state, so a captured run could neither be repeated nor equal the eager run. */
const RANDOM_OPS = new Set(
  'Multinomial,ParameterizedTruncatedNormal,RandomGamma,RandomPoisson,RandomPoissonV2,RandomShuffle,RandomStandardNormal,RandomUniform,RandomUniformInt,TruncatedNormal'.split(
    ',',
  ),
);

/** Ops whose output shape depends on values; a graph would freeze shapes that the host computes from it. */
const DYNAMIC_SHAPE_OPS = new Set(
  'Where,Unique,UniqueV2,UniqueWithCounts,UniqueWithCountsV2,ListDiff,NonMaxSuppression,NonMaxSuppressionV2,NonMaxSuppressionV3,NonMaxSuppressionV4,NonMaxSuppressionV5,SparseFillEmptyRows,RaggedRange,StringSplit,StringNGrams'.split(
    ',',
  ),
);

/** @throws HooklineError `HKL_CAPTURE_RANDOM_OP` or `HKL_CAPTURE_DYNAMIC_SHAPE` for an op that a captured step cannot contain */
export function refuseOp(op: string, origin: Origin): void {
  if (RANDOM_OPS.has(op)) {
    throw captureError('HKL_CAPTURE_RANDOM_OP', `the op ${op} draws from a hidden state`, origin, {
      fix: 'Draw from stepScope.random(name), which gives the same numbers eagerly and captured',
    });
  }
  if (DYNAMIC_SHAPE_OPS.has(op)) {
    throw captureError(
      'HKL_CAPTURE_DYNAMIC_SHAPE',
      `the shape of what the op ${op} returns depends on values`,
      origin,
      {
        fix: 'Use masks of a fixed shape inside the step, or run it with capture: "off"',
      },
    );
  }
}
