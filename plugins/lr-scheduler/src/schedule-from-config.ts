import { HooklineError, type Period } from '@hookline/core';
import type { Schedule } from './schedule.ts';
import { constant } from './schedules/constant.ts';
import { cosine } from './schedules/cosine.ts';
import { multiStep } from './schedules/multi-step.ts';
import { oneCycle } from './schedules/one-cycle.ts';
import { stepWithFixedGamma } from './schedules/step-with-fixed-gamma.ts';
import { warmup } from './schedules/warmup.ts';
import { warmupPoly } from './schedules/warmup-poly.ts';

/** The learning-rate keys of detectron2's SOLVER section, in camel case. */
export interface ScheduleConfig {
  readonly lrSchedule:
    'WarmupMultiStepLR' | 'WarmupCosineLR' | 'WarmupStepWithFixedGammaLR' | 'WarmupPolyLR' | 'OneCycleLR' | 'constant';
  /** Factor of the learning rate at each milestone of WarmupMultiStepLR and each decay of WarmupStepWithFixedGammaLR. @default 0.1 */
  readonly gamma?: number;
  /** Milestones of WarmupMultiStepLR, in iterations or as `{ epochs: 8 }`. @default none */
  readonly steps?: readonly Period[];
  /** Number of decays of WarmupStepWithFixedGammaLR. @default 3 */
  readonly numDecays?: number;
  /** The base learning rate, to which `baseLrEnd` is relative. */
  readonly baseLr?: number;
  /** Final learning rate of WarmupCosineLR. @default 0 */
  readonly baseLrEnd?: number;
  /** Power of WarmupPolyLR. @default 0.9 */
  readonly polyPower?: number;
  /** Length of the warm-up in iterations, or in epochs as `{ epochs: 1 }`. @default 1000 */
  readonly warmupIterations?: Period;
  /** Factor of the learning rate at the start of the warm-up. @default 0.001 */
  readonly warmupFactor?: number;
  /** `linear` rises evenly during the warm-up, `constant` keeps the factor of its start until its end. @default 'linear' */
  readonly warmupMethod?: 'linear' | 'constant';
  /** Whether the schedule is compressed into the part of the run after the warm-up. WarmupPolyLR does not read it. @default false */
  readonly rescaleInterval?: boolean;
}

/**
 * Builds the schedule that a config selects by name (detectron2's build_lr_scheduler).
 *
 * @throws HooklineError `HKL_SCHEDULE_INVALID` when `baseLrEnd` is not between 0 and `baseLr`
 */
export function scheduleFromConfig(config: ScheduleConfig): Schedule {
  const { warmupIterations: iterations = 1000, warmupFactor: factor = 0.001, warmupMethod: method = 'linear' } = config;
  const { gamma = 0.1, steps = [], numDecays: decays = 3, rescaleInterval: rescale = false } = config;
  const warmed = (schedule: Schedule): Schedule => warmup(schedule, { iterations, factor, method, rescale });
  switch (config.lrSchedule) {
    case 'WarmupMultiStepLR':
      return warmed(multiStep({ milestones: [...steps], gamma }));
    case 'WarmupCosineLR':
      return warmed(cosine({ end: endFactor(config) }));
    case 'WarmupStepWithFixedGammaLR':
      return warmed(stepWithFixedGamma({ decays, gamma }));
    case 'WarmupPolyLR':
      return warmupPoly({
        power: config.polyPower ?? 0.9,
        warmupIterations: iterations,
        warmupFactor: factor,
        warmupMethod: method,
      });
    case 'OneCycleLR':
      return oneCycle();
    case 'constant':
      return constant();
  }
}

function endFactor({ baseLr, baseLrEnd = 0 }: ScheduleConfig): number {
  if (baseLrEnd === 0) return 0;
  const end = baseLrEnd / (baseLr ?? 0);
  if (end >= 0 && end <= 1) return end;
  throw new HooklineError('HKL_SCHEDULE_INVALID', `baseLrEnd is ${baseLrEnd} and baseLr is ${baseLr}`, {
    who: 'WarmupCosineLR',
    fix: 'Give a baseLrEnd from 0 to baseLr',
  });
}
