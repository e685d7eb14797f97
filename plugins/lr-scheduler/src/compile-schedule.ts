import type { ScheduleInIterations } from './schedule.ts';
import { compositeFactor } from './schedules/composite.ts';
import { constantFactor } from './schedules/constant.ts';
import { cosineFactor } from './schedules/cosine.ts';
import { customFactor } from './schedules/custom.ts';
import { exponentialFactor } from './schedules/exponential.ts';
import { linearFactor } from './schedules/linear.ts';
import { multiStepFactor } from './schedules/multi-step.ts';
import { oneCycleFactor } from './schedules/one-cycle.ts';
import { polynomialFactor } from './schedules/polynomial.ts';
import type { Factor } from './schedules/position.ts';
import { stepFactor } from './schedules/step.ts';
import { stepWithFixedGammaFactor } from './schedules/step-with-fixed-gamma.ts';
import { warmupCosineFactor } from './schedules/warmup-cosine.ts';
import { warmupMultiStepFactor } from './schedules/warmup-multi-step.ts';
import { warmupPolyFactor } from './schedules/warmup-poly.ts';
import { warmupFactor } from './schedules/warmup.ts';

/** The function that a schedule describes. */
export function compileSchedule(schedule: ScheduleInIterations): Factor {
  switch (schedule.type) {
    case 'constant':
      return constantFactor(schedule);
    case 'linear':
      return linearFactor(schedule);
    case 'cosine':
      return cosineFactor(schedule);
    case 'exponential':
      return exponentialFactor(schedule);
    case 'one-cycle':
      return oneCycleFactor(schedule);
    case 'polynomial':
      return polynomialFactor(schedule);
    case 'multi-step':
      return multiStepFactor(schedule);
    case 'step':
      return stepFactor(schedule);
    case 'step-with-fixed-gamma':
      return stepWithFixedGammaFactor(schedule);
    case 'composite':
      return compositeFactor(schedule, compileSchedule);
    case 'warmup':
      return warmupFactor(schedule, compileSchedule);
    case 'warmup-multi-step':
      return warmupMultiStepFactor(schedule);
    case 'warmup-cosine':
      return warmupCosineFactor(schedule);
    case 'warmup-poly':
      return warmupPolyFactor(schedule);
    case 'custom':
      return customFactor(schedule);
  }
}
