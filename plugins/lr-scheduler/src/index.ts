// The plugin
export { lrScheduler } from './plugin.ts';
export type { LrSchedulerOptions } from './options.ts';

// Schedules
export { composite, type CompositeSchedule } from './schedules/composite.ts';
export { constant, type ConstantSchedule } from './schedules/constant.ts';
export { cosine, type CosineSchedule } from './schedules/cosine.ts';
export { custom, type CustomSchedule } from './schedules/custom.ts';
export { exponential, type ExponentialSchedule } from './schedules/exponential.ts';
export { linear, type LinearSchedule } from './schedules/linear.ts';
export { multiStep, type MultiStepSchedule } from './schedules/multi-step.ts';
export { oneCycle, type OneCycleSchedule } from './schedules/one-cycle.ts';
export { polynomial, type PolynomialSchedule } from './schedules/polynomial.ts';
export { step, type StepSchedule } from './schedules/step.ts';
export { stepWithFixedGamma, type StepWithFixedGammaSchedule } from './schedules/step-with-fixed-gamma.ts';
export { warmup, type WarmupOptions, type WarmupSchedule } from './schedules/warmup.ts';
export { warmupCosine, type WarmupCosineSchedule } from './schedules/warmup-cosine.ts';
export { warmupMultiStep, type WarmupMultiStepSchedule } from './schedules/warmup-multi-step.ts';
export { warmupPoly, type WarmupPolySchedule } from './schedules/warmup-poly.ts';

// Working with schedules
export type { Factor, Position } from './schedules/position.ts';
export { scheduleFactor } from './schedule-factor.ts';
export { scheduleFromConfig, type ScheduleConfig } from './schedule-from-config.ts';
export { type CheckedSchedule, lrScheduleRef, type Schedule, scheduleSchema } from './schedule.ts';
