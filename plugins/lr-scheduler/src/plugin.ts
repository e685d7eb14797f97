import { definePlugin, epochsRef, HooklineError, loggerRef, optional, storageRef } from '@hookline/core';
import { learningRateFactor, type Optimizer, optimizerRef } from '@hookline/tfjs';
import { compileSchedule } from './compile-schedule.ts';
import { lrScheduleRef } from './lr-schedule-ref.ts';
import { lrSchedulerOptions } from './options.ts';
import { inIterations } from './in-iterations.ts';
import { checkSchedule, type ScheduleInIterations } from './schedule.ts';
import { scheduleWarnings } from './schedule-warnings.ts';
import { shownFactor } from './shown-factor.ts';

const PLUGIN_NAME = '@hookline/plugin-lr-scheduler';

/**
 * Sets the learning rate of each step: the optimizer's own, times what the schedule says, and stores the rate that a
 * step used as `lr`. Of a model of several parts it sets the rate of each, and stores it as `NAME/lr`; a part with a schedule of
 * its own has its own lrScheduler, by `forPart`.
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
  // A checkpoint then holds the learning rate of the step that it resumes with.
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
      // How long an epoch is counts from here on: loading a checkpoint may have moved it.
      const schedule = resolve();
      factor = compileSchedule(schedule);
      for (const warning of scheduleWarnings(schedule, maxIterations)) logger.warn(warning);
      setRate(startIteration, maxIterations);
    });
    hooks.beforeStep.tap(({ iteration, maxIterations }) => {
      // After a step that failed and was skipped nobody has set the rate yet.
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
      // The optimizer gets its own rate back, so that a further training does not take a scheduled one for it.
      dispose: () => own.release(),
    };
  },
});

const optimizerOf = (optimizer: Optimizer, part: string | undefined): Optimizer =>
  part === undefined ? optimizer : (optimizer.parts?.get(part) as Optimizer);

function noSchedule(): HooklineError {
  return new HooklineError('HKL_SCHEDULE_MISSING', 'it is given no schedule', {
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
