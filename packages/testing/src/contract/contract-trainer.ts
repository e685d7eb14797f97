import { readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import {
  checkpointsRef,
  commRef,
  type Communicator,
  definePlugin,
  isHooklineError,
  type Plugin,
  type PluginInput,
  readCheckpoint,
  replace,
  TrainerBase,
} from '@hookline/core';
import { currentDevice, selectDevice } from '@hookline/tfjs';
import { connectRanks, onRanks } from '../connect-ranks.ts';
import { RecordingLogger } from '../recording-logger.ts';
import { withTemporaryFolder } from '../temporary-folder.ts';

/** The options with which a trainer is made to test a plugin. */
export interface ContractTrainerOptions {
  readonly plugins: readonly PluginInput[];
  readonly output: string;
  readonly maxIterations: number;
  /** Capture mode of trainers with tensors, as in `tinyTraining`. */
  readonly capture: 'off' | 'required';
}

/** The options of `checkPluginContract`, with their defaults filled in. */
export interface Contract {
  readonly plugin: () => Plugin;
  readonly beside: () => readonly PluginInput[];
  readonly trainer: (options: ContractTrainerOptions) => TrainerBase;
  readonly iterations: number;
  readonly observe: (trainer: TrainerBase) => unknown;
}

/** Changes to the usual trainer for one run. */
export interface TrainerChange {
  readonly iterations?: number;
  /** Default `off`. */
  readonly capture?: 'off' | 'required';
  /** Plugins that are listed after the tested one. */
  readonly more?: readonly PluginInput[];
  /** Whether to leave out the tested plugin. */
  readonly without?: boolean;
}

export function makeTrainer(contract: Contract, output: string, change: TrainerChange = {}): TrainerBase {
  const { iterations = contract.iterations, capture = 'off', more = [], without = false } = change;
  const plugins = [...contract.beside(), ...(without ? [] : [contract.plugin()]), ...more];
  return contract.trainer({ plugins, output, maxIterations: iterations, capture });
}

/** Makes a bare loop without tensors whose loss falls from 1. */
export const bareLoop = ({ plugins, output, maxIterations }: ContractTrainerOptions): TrainerBase =>
  new TrainerBase({
    ...{ plugins, output, maxIterations },
    step: ({ iteration }) => 1 / (iteration + 1),
    seed: 1,
    logger: new RecordingLogger(),
  });

/** The names of the hooks inside the step (the sync hooks) that the plugins tap. */
export async function tapsInsideOf(contract: Contract): Promise<readonly string[]> {
  return withTemporaryFolder(async (output) => {
    const trainer = makeTrainer(contract, output, { iterations: 1 });
    try {
      const { hooks } = await trainer.describe();
      const { id } = contract.plugin();
      return hooks.filter(({ kind, taps }) => kind.startsWith('Sync') && taps.includes(id)).map(({ name }) => name);
    } finally {
      await trainer.close();
    }
  });
}

/** Whether the plugins need a step with tensors. If so, a device is selected, unless the program has already selected one. */
export async function usesTensors(contract: Omit<Contract, 'trainer'>): Promise<boolean> {
  let isSo: boolean;
  try {
    isSo = (await tapsInsideOf({ ...contract, trainer: bareLoop })).length > 0;
  } catch (error) {
    // Other problems of the plugin are found by the checks themselves.
    isSo = isHooklineError(error, 'HKL_SERVICE_MISSING') || isHooklineError(error, 'HKL_SERVICE_NOTHING_TO_REPLACE');
  }
  if (isSo && currentDevice() === undefined) await selectDevice('auto');
  return isSo;
}

/** Trains, and returns the plugin's final state and the observed value. */
export async function runAndLook(contract: Contract, trainer: TrainerBase, output: string): Promise<unknown> {
  await trainer.train();
  const { manifest } = await readCheckpoint(join(output, 'end.safetensors'));
  const states = manifest.entries['hookline/plugins']?.data as Record<string, unknown> | undefined;
  const seen = await contract.observe(trainer);
  return { state: states?.[contract.plugin().id], seen };
}

export const latestScalars = (trainer: TrainerBase): unknown =>
  Object.fromEntries(
    [...trainer.storage.latest()].filter(([name]) => !name.endsWith('time')).map(([name, { value }]) => [name, value]),
  );

/** Saves `end` at the end. */
export const saveAtEnd: () => Plugin = definePlugin({
  name: '@hookline/testing/save-at-end',
  version: '0.1.0',
  requires: { checkpoints: checkpointsRef },
  setup({ hooks, checkpoints }) {
    hooks.afterTrain.tap(async () => void (await checkpoints.save('end', { tag: false })));
  },
});

const RANKS = 2;

/** Trains on two ranks within this process, and resumes. @returns the violation, if any */
export async function trainsOnRanks(contract: Contract): Promise<string | undefined> {
  return withTemporaryFolder(async (folder) => {
    const output = (rank: number): string => join(folder, String(rank));
    /** @param file the checkpoint to start from */
    const train = async (iterations: number, file?: string): Promise<void> => {
      await onRanks(connectRanks(RANKS), async (comm) => {
        const trainer = makeTrainer(contract, output(comm.rank), { iterations, more: [useRank(comm)(), saveAtEnd()] });
        if (file !== undefined) await trainer.load(file);
        await trainer.train();
      });
    };
    await train(contract.iterations);
    await train(contract.iterations * 2, join(output(0), 'end.safetensors'));
    const written = await readdir(output(1), { recursive: true }).catch(() => []);
    const own = written.filter((name) => extname(name) !== '' && !name.includes('rank1'));
    return own.length === 0
      ? undefined
      : `the second rank writes ${own.join(', ')}; leave it to the first one (onFirstRank, or ranks: 'first')`;
  });
}

/** Gives a trainer its rank. */
const useRank = (comm: Communicator): ReturnType<typeof definePlugin> =>
  definePlugin({
    name: '@hookline/testing/use-rank',
    version: '0.1.0',
    services: () => [replace(commRef, () => comm)],
    setup: () => undefined,
  });
