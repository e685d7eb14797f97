import { definePlugin, epochsRef, loggerRef, storageRef, tapsRef } from '@hookline/core';
import { tf } from '@hookline/tfjs';
import { describeLeak, LeakAlarm } from './leak-alarm.ts';
import { balanceTable, memoryLine } from './memory-line.ts';
import { optionsSchema } from './options.ts';
import { TapBalance, type TensorCount } from './tap-balance.ts';

const MIB = 2 ** 20;

const countTensors = (): TensorCount => {
  const { numTensors, numBytes } = tf.memory();
  return { tensors: numTensors, bytes: numBytes };
};

/**
 * Counts tensors and bytes, in total and for each plugin's taps, and measures the memory of the process (detectron2's
 * TorchMemoryStats). If tensors leak, it warns and names the plugins.
 */
export const memoryStats = definePlugin({
  name: '@hookline/plugin-memory-stats',
  version: '0.1.0',
  description: 'tensors and bytes per plugin, leak alarm',
  options: optionsSchema,
  after: ['timing', 'schedule', 'gradients', 'averaging', 'statistics', 'checkpointing', 'evaluation'],
  before: ['writing'],
  provides: ['metrics'],
  writes: ['metrics/memory'],
  requires: { storage: storageRef, logger: loggerRef, taps: tapsRef, epochs: epochsRef },
  setup({ hooks, storage, logger, taps, epochs }, { period, maxRuns, leakWindow }) {
    const isPeriodOver = epochs.every(period, 'period');
    const balance = new TapBalance(countTensors);
    const alarm = leakWindow === false ? undefined : new LeakAlarm(leakWindow);
    const unwatch = taps.observe(balance);
    const warned = new Set<string>();
    let previous: TensorCount | undefined;
    let runs = 0;
    let steps = 0;

    const warnOfLeak = (tensors: number): void => {
      const leak = alarm?.step(tensors, balance.balances);
      if (leak === undefined) return;
      const who = leak.plugins.map(({ plugin }) => plugin).join();
      if (warned.has(who)) return;
      warned.add(who);
      const inStep = [...balance.balances].filter(([, { step }]) => step.tensors > 0).map(([plugin]) => plugin);
      logger.warn(describeLeak(leak, inStep));
    };

    hooks.afterStep.tap(({ iteration }) => {
      steps++;
      const now = countTensors();
      warnOfLeak(now.tensors);
      if (!isPeriodOver(iteration + 1)) return;
      const { rss, heapUsed } = process.memoryUsage();
      storage.nameScope('memory', () => {
        const values = {
          tensors: now.tensors,
          tensor_mib: now.bytes / MIB,
          rss_mib: rss / MIB,
          heap_mib: heapUsed / MIB,
        };
        storage.putScalars(values, { smoothing: false });
      });
      if (runs >= maxRuns) return;
      runs++;
      logger.info(memoryLine(iteration, now, previous, { rss, heapUsed }));
      previous = now;
      if (runs === maxRuns) logger.info(balanceTable(balance.balances, steps));
    });
    hooks.afterTrain.tap(() => {
      if (runs < maxRuns && steps > 0) logger.info(balanceTable(balance.balances, steps));
    });
    return { dispose: unwatch };
  },
});
