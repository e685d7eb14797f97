import { defineService, didYouMean, HooklineError, type ServiceRef } from '@hookline/core';
import { z } from 'zod';
import type { InIterations } from './in-iterations.ts';
import { type CompositeSchedule, compositeSchema } from './schedules/composite.ts';
import { constantSchema } from './schedules/constant.ts';
import { cosineSchema } from './schedules/cosine.ts';
import { customSchema } from './schedules/custom.ts';
import { exponentialSchema } from './schedules/exponential.ts';
import { linearSchema } from './schedules/linear.ts';
import { multiStepSchema } from './schedules/multi-step.ts';
import { oneCycleSchema } from './schedules/one-cycle.ts';
import { polynomialSchema } from './schedules/polynomial.ts';
import { stepSchema } from './schedules/step.ts';
import { stepWithFixedGammaSchema } from './schedules/step-with-fixed-gamma.ts';
import { warmupCosineSchema } from './schedules/warmup-cosine.ts';
import { warmupMultiStepSchema } from './schedules/warmup-multi-step.ts';
import { warmupPolySchema } from './schedules/warmup-poly.ts';
import { type WarmupOptions, type WarmupSchedule, warmupSchema } from './schedules/warmup.ts';

const simple = [
  constantSchema,
  linearSchema,
  cosineSchema,
  exponentialSchema,
  oneCycleSchema,
  polynomialSchema,
  multiStepSchema,
  stepSchema,
  stepWithFixedGammaSchema,
  warmupMultiStepSchema,
  warmupCosineSchema,
  warmupPolySchema,
  customSchema,
] as const;

type SimpleInput = z.input<(typeof simple)[number]>;
type SimpleSchedule = z.output<(typeof simple)[number]>;

/** A schedule as written by a user: plain data (except for `custom`), made by the functions of this package or by hand. */
export type Schedule = SimpleInput | CompositeSchedule<Schedule> | WarmupSchedule<Schedule>;
/** A schedule that was checked, with its defaults filled in. */
export type CheckedSchedule = SimpleSchedule | CompositeSchedule<CheckedSchedule> | WarmupSchedule<CheckedSchedule>;

const nested: z.ZodType<CheckedSchedule, Schedule> = z.lazy(() => scheduleSchema);
const all = [...simple, compositeSchema(nested), warmupSchema(nested)] as const;
const types: readonly string[] = all.map((schema) => schema.shape.type.value);

/** A checked schedule with all values in iterations. */
export type ScheduleInIterations =
  | InIterations<SimpleSchedule>
  | CompositeSchedule<ScheduleInIterations>
  | (InIterations<WarmupOptions> & { readonly type: 'warmup'; readonly schedule: ScheduleInIterations });

/** Checks a schedule and fills in its defaults. */
export const scheduleSchema: z.ZodType<CheckedSchedule, Schedule> = z.discriminatedUnion('type', all, {
  error: ({ input }) => {
    if (typeof input !== 'object' || input === null) return 'give a schedule, such as cosine() or { type: "cosine" }';
    const type: unknown = (input as { type?: unknown }).type;
    return typeof type === 'string'
      ? `there is no schedule "${type}". ${didYouMean(type, types)}`
      : `a schedule needs a type. Known: ${[...types].sort().join(', ')}`;
  },
});

/** Gives the schedule to a plugin that is listed without one. */
export const lrScheduleRef: ServiceRef<Schedule> = defineService<Schedule>('lrSchedule', {
  description: 'the learning-rate schedule, for an lr-scheduler that is given none',
});

/** A checked schedule. @throws HooklineError `HKL_SCHEDULE_INVALID` */
export function checkSchedule(schedule: unknown): CheckedSchedule {
  const checked = scheduleSchema.safeParse(schedule);
  if (checked.success) return checked.data;
  const issues = checked.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  );
  throw new HooklineError('HKL_SCHEDULE_INVALID', issues.join('; '), { who: 'schedule', cause: checked.error });
}
