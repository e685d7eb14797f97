import { captureError } from '../graph/capture-errors.ts';
import type { Origin } from '../graph/graph-record.ts';

/** Ops whose output depends on hidden state, so that a captured run would neither replay nor equal the eager one. */
const RANDOM_OPS = new Set(
  'Multinomial,ParameterizedTruncatedNormal,RandomGamma,RandomPoisson,RandomPoissonV2,RandomShuffle,RandomStandardNormal,RandomUniform,RandomUniformInt,TruncatedNormal'.split(
    ',',
  ),
);

/** Ops whose output's shape depends on values; the shapes computed from it on the host would be frozen. */
const DYNAMIC_SHAPE_OPS = new Set(
  'Where,Unique,UniqueV2,UniqueWithCounts,UniqueWithCountsV2,ListDiff,NonMaxSuppression,NonMaxSuppressionV2,NonMaxSuppressionV3,NonMaxSuppressionV4,NonMaxSuppressionV5,SparseFillEmptyRows,RaggedRange,StringSplit,StringNGrams'.split(
    ',',
  ),
);

/** @throws HooklineError when the op cannot stand in a captured step */
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
