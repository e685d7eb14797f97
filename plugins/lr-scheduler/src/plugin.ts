import { definePlugin, epochsRef, HooklineError, loggerRef, optional, storageRef } from '@hookline/core';
import { learningRateFactor, type Optimizer, optimizerRef } from '@hookline/tfjs';
import { compileSchedule } from './compile-schedule.ts';
import { lrSchedulerOptions } from './options.ts';
import { inIterations } from './in-iterations.ts';
import { checkSchedule, lrScheduleRef, type ScheduleInIterations } from './schedule.ts';
import { scheduleWarnings } from './schedule-warnings.ts';
import { shownFactor } from './shown-factor.ts';

const PLUGIN_NAME = '@hookline/plugin-lr-scheduler';

/**
 * Sets the learning rate of each step to the optimizer's own rate times the schedule's factor, and stores the rate that each
 * step used as `lr`. For a model with several parts, it sets the rate of each part and stores it as `NAME/lr`. To give a part a separate
 * schedule, list another lrScheduler with `forPart`.
 *
 * @example lrScheduler({ schedule: warmup(multiStep({ milestones: [60_000, 80_000] })) })
 */
export const lrScheduler = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: 'sets the learning rate of each step by a schedule',
  options: lrSchedulerOptions,
  provides: ['schedule'],
  writes: ['learningRate/schedule', 'metrics/lr'],
  after: ['timing'],
  // Come before checkpointing, so that a checkpoint contains the learning rate of the step that it resumes with.
  before: ['checkpointing', 'writing'],
  requires: {
    optimizer: optimizerRef,
    storage: storageRef,
    logger: loggerRef,
    epochs: epochsRef,
    planned: optional(lrScheduleRef),
  },
  setup({ hooks, plugin, optimizer, storage, logger, epochs, planned }, options) {
    if (options.schedule === undefined && planned === undefined) throw noSchedule();
    const checked = options.schedule ?? checkSchedule(planned);
    const resolve = (): ScheduleInIterations => inIterations(checked, (moment) => epochs.until(moment, 'schedule')());
    let factor = compileSchedule(resolve());
    const own = learningRateFactor(optimizer.value, plugin.id);
    const parts = [...(optimizer.value.parts?.keys() ?? [undefined])];
    const shown = parts.map((part) => shownFactor(optimizerOf(optimizer.value, part).groups));
    const unsmoothed = { smoothing: false };
    let ready = -1;

    const setRate = (iteration: number, maxIterations: number): void => {
      const scheduled = factor({ iteration, total: maxIterations, maxIterations });
      const rate = own.base * scheduled;
      if (!Number.isFinite(rate) || rate < 0) throw badRate(rate, iteration);
      own.set(scheduled);
      ready = iteration;
    };

    hooks.beforeTrain.tap(({ startIteration, maxIterations }) => {
      // Convert epochs only now, because loading a checkpoint may have changed the length of an epoch.
      const schedule = resolve();
      factor = compileSchedule(schedule);
      for (const warning of scheduleWarnings(schedule, maxIterations)) logger.warn(warning);
      setRate(startIteration, maxIterations);
    });
    hooks.beforeStep.tap(({ iteration, maxIterations }) => {
      // After a step that failed and was skipped, the rate has not been set yet.
      if (ready !== iteration) setRate(iteration, maxIterations);
    });
    hooks.afterStep.tap(({ iteration, maxIterations }) => {
      parts.forEach((part, place) => {
        const rate = optimizerOf(optimizer.value, part).learningRate * (shown[place] as number);
        storage.putScalar(part === undefined ? 'lr' : `${part}/lr`, rate, unsmoothed);
      });
      setRate(iteration + 1, maxIterations);
    });
    return {
      // Restore the optimizer's own rate, so that a further training does not start from a scheduled one.
      dispose: () => own.release(),
    };
  },
});

const optimizerOf = (optimizer: Optimizer, part: string | undefined): Optimizer =>
  part === undefined ? optimizer : (optimizer.parts?.get(part) as Optimizer);

function noSchedule(): HooklineError {
  return new HooklineError('HKL_SCHEDULE_MISSING', 'it has no schedule', {
    who: PLUGIN_NAME,
    fix: 'Give the option, such as schedule: cosine(), or provide the service "lrSchedule"',
  });
}

function badRate(rate: number, iteration: number): HooklineError {
  return new HooklineError('HKL_LEARNING_RATE', `the schedule gave a learning rate of ${rate}`, {
    who: PLUGIN_NAME,
    where: `iteration ${iteration}`,
    fix: 'A schedule must give finite factors of at least 0, from iteration 0 up to maxIterations',
  });
}
