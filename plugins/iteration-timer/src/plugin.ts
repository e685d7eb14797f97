import { backgroundRef, definePlugin, formatDuration, loggerRef, storageRef } from '@hookline/core';
import { CpuUse, gpuPercent } from './device-use.ts';
import { iterationTimerOptions } from './options.ts';
import { Timer } from './timer.ts';

const PLUGIN_NAME = '@hookline/plugin-iteration-timer';
/** Seconds between two looks at how busy the device is. */
const DEVICE_PERIOD = 1;

/**
 * Stores the duration of each step in seconds as `time`, and reports speed and total time after training.
 *
 * @example iterationTimer({ warmupIterations: 10, batchSize: 32 })
 */
export const iterationTimer = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: 'stores the time of each step and sums up the speed',
  options: iterationTimerOptions,
  provides: ['timing'],
  writes: ['metrics/time', 'metrics/samples_per_second', 'metrics/cpu_percent', 'metrics/gpu_percent'],
  // Run first: between its own beforeStep and afterStep, there is only the step, and no afterStep tap of another plugin.
  before: [
    'schedule',
    'gradients',
    'averaging',
    'statistics',
    'checkpointing',
    'evaluation',
    'metrics',
    'stopping',
    'writing',
  ],
  requires: { storage: storageRef, logger: loggerRef, background: backgroundRef },
  setup({ hooks, storage, logger, background }, { warmupIterations, batchSize, deviceUse }) {
    const step = new Timer();
    /** Time of the steps only. */
    const steps = new Timer();
    /** Time of the steps and of the hooks between them. */
    const run = new Timer();
    let measured = 0;
    /** Seconds that the measured steps spent waiting for data. */
    let waited = 0;

    let cpu: CpuUse | undefined;
    /** The last measurement of the GPUs, until it is stored. */
    let gpu: number | undefined;
    /** Sum and number of all measurements of the GPUs. */
    const gpus = { sum: 0, count: 0 };

    const lookAtDevice = (use: CpuUse): void => {
      if (gpu !== undefined) storage.putScalar('gpu_percent', gpu);
      gpu = undefined;
      if (use.secondsSince < DEVICE_PERIOD) return;
      storage.putScalar('cpu_percent', use.percent());
      if (background.size > 0) return;
      background.add('ask nvidia-smi how busy the GPUs are', async (signal) => {
        gpu = await gpuPercent(signal);
        if (gpu === undefined) return;
        gpus.sum += gpu;
        gpus.count++;
      });
    };

    hooks.beforeTrain.tap(() => {
      cpu = deviceUse ? new CpuUse() : undefined;
      gpu = undefined;
      gpus.sum = gpus.count = 0;
      measured = 0;
      waited = 0;
      run.reset();
      steps.reset();
      steps.pause();
    });
    hooks.beforeStep.tap(() => {
      step.reset();
      // The timer is still running if the previous step failed and was skipped.
      if (steps.paused) steps.resume();
    });
    hooks.afterStep.tap(({ iteration, startIteration }, { dataTime = 0 }) => {
      if (iteration - startIteration + 1 >= warmupIterations) {
        measured++;
        const seconds = step.seconds();
        storage.putScalar('time', seconds);
        waited += dataTime;
        if (batchSize !== undefined && seconds > 0) storage.putScalar('samples_per_second', batchSize / seconds);
      } else {
        run.reset();
        steps.reset();
      }
      if (cpu !== undefined) lookAtDevice(cpu);
      steps.pause();
    });
    hooks.afterTrain.tap(() => {
      const total = run.seconds();
      const inSteps = steps.seconds();
      if (measured > 0 && inSteps > 0) {
        const speed = `${formatDuration(inSteps)} (${(inSteps / measured).toFixed(4)} s / it)`;
        logger.info(`Overall training speed: ${measured} iterations in ${speed}`);
        if (batchSize !== undefined) {
          const share = Math.min(100, (100 * waited) / inSteps).toFixed(1);
          const rate = Number(((batchSize * measured) / inSteps).toPrecision(3));
          logger.info(`Throughput: ${rate} samples / s; waiting for data took ${share} % of the steps' time`);
        }
      }
      if (cpu !== undefined) {
        const ofGpus = gpus.count === 0 ? '' : `, GPU ${Math.round(gpus.sum / gpus.count)} %`;
        logger.info(`Device use: ${Math.round(cpu.percentOfAll())} % of ${cpu.cores} processor cores${ofGpus}`);
      }
      logger.info(
        `Total training time: ${formatDuration(total)} (${formatDuration(Math.max(0, total - inSteps))} on hooks)`,
      );
    });
  },
});
