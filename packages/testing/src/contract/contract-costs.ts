import { definePlugin, type Plugin, storageRef, tapsRef } from '@hookline/core';
import { tf } from '@hookline/tfjs';
import { type Contract, makeTrainer } from './contract-trainer.ts';
import { withTemporaryFolder } from '../temporary-folder.ts';

const STEPS = 12;
/** Number of steps before the measured ones, in which plugins create averages and similar tensors. */
const WARM_UP = 4;

/** The cost of a plugin, compared with the same training without it. */
export interface Costs {
  /** Additional tensors after each step. */
  readonly tensorsPerStep: number;
  /** Additional tensors that are left after its trainer has been disposed of. */
  readonly tensorsLeft: number;
  /** Number of listeners of the process that are left. */
  readonly listenersLeft: number;
  /** Number of tensor reads per step in its taps that wait for the device. */
  readonly syncsPerStep: number;
  /** Time in its taps between two steps, in microseconds. */
  readonly microseconds: number;
}

interface Run {
  readonly growth: number;
  readonly left: number;
  readonly listenersLeft: number;
  readonly reads: readonly number[];
  readonly times: readonly number[];
}

/**
 * Trains with and without the plugin, with eager steps, so that its taps inside the step run each time.
 *
 * @returns the cost; a text if training without the plugin is impossible
 */
export async function costsOf(contract: Contract): Promise<Costs | string> {
  let without: Run;
  try {
    without = await run(contract, true);
  } catch {
    return 'what it is tried with does not train without it';
  }
  const own = await run(contract, false);
  const times = own.times.slice(WARM_UP).sort((a, b) => a - b);
  return {
    tensorsPerStep: (own.growth - without.growth) / (STEPS - 1 - WARM_UP),
    tensorsLeft: own.left - without.left,
    listenersLeft: own.listenersLeft - without.listenersLeft,
    syncsPerStep: own.reads.slice(WARM_UP).reduce((sum, each) => sum + each, 0) / (STEPS - WARM_UP),
    microseconds: times[times.length >> 1] ?? 0,
  };
}

function run(contract: Contract, without: boolean): Promise<Run> {
  return withTemporaryFolder(async (output) => {
    const tensors: number[] = [];
    const watch = new TapWatcher(contract.plugin().id);
    const before = { tensors: tf.memory().numTensors, listeners: countListeners() };
    const trainer = makeTrainer(contract, output, {
      without,
      iterations: STEPS,
      more: [watch.plugin, countTensors(tensors, watch)],
    });
    const stop = watch.watchReads();
    try {
      await trainer.train();
    } finally {
      stop();
      await trainer.dispose();
    }
    return {
      growth: (tensors.at(-1) ?? 0) - (tensors[WARM_UP] ?? 0),
      left: tf.memory().numTensors - before.tensors,
      listenersLeft: countListeners() - before.listeners,
      reads: watch.reads,
      times: watch.times,
    };
  });
}

const countListeners = (): number => process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);

/** Counts the tensors after each step, after all pending scalars have been read. */
const countTensors = (counts: number[], watch: TapWatcher): Plugin =>
  definePlugin({
    name: '@hookline/testing/count-tensors',
    version: '0.1.0',
    after: ['writing'],
    requires: { storage: storageRef },
    setup({ hooks, storage }) {
      hooks.afterStep.tap(async () => {
        await storage.resolve();
        counts.push(tf.memory().numTensors);
        watch.nextStep();
      });
    },
  })();

/** Times the taps of one plugin, and counts the tensor reads in them. */
class TapWatcher {
  /** Number of reads in each step. */
  readonly reads: number[] = [];
  /** Microseconds per step in taps between the steps. */
  readonly times: number[] = [];
  readonly plugin: Plugin;
  readonly #entered: { readonly plugin: string; readonly since: number }[] = [];
  #reads = 0;
  #time = 0;

  constructor(id: string) {
    this.plugin = definePlugin({
      name: '@hookline/testing/tap-watcher',
      version: '0.1.0',
      requires: { taps: tapsRef },
      setup: ({ taps }) => ({
        dispose: taps.observe({
          enter: (plugin) => void this.#entered.push({ plugin, since: performance.now() }),
          leave: (plugin, hook) => {
            const { since = 0 } = this.#entered.pop() ?? {};
            const isBetween = hook === 'beforeStep' || hook === 'afterStep';
            if (plugin === id && isBetween) this.#time += (performance.now() - since) * 1000;
          },
        }),
      }),
    })();
    this.#id = id;
  }

  readonly #id: string;

  nextStep(): void {
    this.reads.push(this.#reads);
    this.times.push(this.#time);
    [this.#reads, this.#time] = [0, 0];
  }

  /** Counts tensor reads until the returned function is called. */
  watchReads(): () => void {
    const backend = tf.backend();
    const { read, readSync } = backend;
    const count = (): void => {
      if (this.#entered.at(-1)?.plugin === this.#id) this.#reads++;
    };
    backend.read = function (...args: Parameters<typeof read>) {
      count();
      return read.apply(this, args);
    };
    backend.readSync = function (...args: Parameters<typeof readSync>) {
      count();
      return readSync.apply(this, args);
    };
    return () => Object.assign(backend, { read, readSync });
  }
}
