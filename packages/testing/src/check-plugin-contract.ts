import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  checkpointsRef,
  commRef,
  type Communicator,
  definePlugin,
  HooklineError,
  isHooklineError,
  type JsonValue,
  type Plugin,
  type PluginInput,
  readCheckpoint,
  replace,
  TrainerBase,
  writeCheckpoint,
} from '@hookline/core';
import { currentDevice, selectDevice } from '@hookline/tfjs';
import { connectRanks, onRanks } from './connect-ranks.ts';
import { RecordingLogger } from './recording-logger.ts';
import { saveAt } from './save-at.ts';
import { tinyTraining } from './tiny-training.ts';

/** How {@link checkPluginContract} tries a plugin. */
export interface ContractOptions {
  /** Makes the plugin, anew each time: `() => earlyStopping({ metric: 'loss' })`. */
  readonly plugin: () => Plugin;
  /** Other plugins it needs. Default none. */
  readonly beside?: () => readonly PluginInput[];
  /**
   * Makes a trainer with these plugins. Default: {@link tinyTraining}, with real tensors, where they tap the inside of the step or
   * require what the bare loop lacks, such as the model; else a bare loop whose loss falls as 1 / (iteration + 1).
   */
  readonly trainer?: (options: {
    plugins: readonly PluginInput[];
    output: string;
    maxIterations: number;
  }) => TrainerBase;
  /** Iterations of each run. Default 6. */
  readonly iterations?: number;
  /** What of a trained trainer must be equal after resuming, besides plugin state; may be async. Default: the latest scalars. */
  readonly observe?: (trainer: TrainerBase) => unknown;
}

/**
 * Tries a plugin the way trainers use it, and reports everything that does not hold:
 *
 * 1. it refuses an option that it does not have;
 * 2. a training with it completes, twice in one trainer, and tears down without an error;
 * 3. a run that is saved and resumed at any iteration ends with the same plugin state and the same scalars as one that
 *    was never interrupted;
 * 4. what it never saved is refused as its state, before it is loaded;
 * 5. two ranks that train with it, within this process, complete, end with the same weights and resume; the second one
 *    writes no file, but for those with `rank1` in their name.
 *
 * @throws HooklineError `HKL_CONTRACT` that lists what does not hold
 */
export async function checkPluginContract(given: ContractOptions): Promise<void> {
  const options = { ...given, trainer: given.trainer ?? ((await usesTensors(given)) ? tinyTraining : bareLoop) };
  const { plugin, iterations = 6 } = options;
  const problems: string[] = [];
  const attempt = async (what: string, body: () => Promise<string | undefined>): Promise<void> => {
    try {
      const problem = await body();
      if (problem !== undefined) problems.push(`${what}: ${problem}`);
    } catch (error) {
      problems.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  await attempt('an unknown option', () => refusesUnknownOption(options));
  await attempt('training twice', async () => {
    const output = await mkdtemp(join(tmpdir(), 'hookline-contract-'));
    try {
      const trainer = makeTrainer(options, output, iterations, []);
      await trainer.train();
      await trainer.train({ maxIterations: iterations * 2 });
      return undefined;
    } finally {
      await rm(output, { recursive: true, force: true });
    }
  });
  for (let at = 0; at < iterations - 1; at++)
    await attempt(`resuming after iteration ${at}`, () => resumesAt(options, at, iterations));
  await attempt('junk as its state', () => refusesJunk(options, iterations));
  await attempt('training on two ranks', () => trainsOnRanks(options, iterations));
  if (problems.length === 0) return;
  throw new HooklineError('HKL_CONTRACT', problems.join('; '), {
    who: plugin().name,
    fix: 'Mend the plugin, or see what its test leaves out',
  });
}

/** Whether the plugins need a step with tensors to do anything; then a device is chosen as well, unless the program has. */
async function usesTensors(options: ContractOptions): Promise<boolean> {
  const output = await mkdtemp(join(tmpdir(), 'hookline-contract-'));
  const trainer = makeTrainer({ ...options, trainer: bareLoop }, output, 1, []);
  let isSo = true;
  try {
    const { hooks } = await trainer.describe();
    isSo = hooks.some(({ kind, taps }) => kind.startsWith('Sync') && taps.length > 0);
  } catch (error) {
    // Whatever else is wrong with the plugin is found where it is tried.
    if (!isHooklineError(error, 'HKL_SERVICE_MISSING')) isSo = false;
  } finally {
    await trainer.close();
    await rm(output, { recursive: true, force: true });
  }
  if (isSo && currentDevice() === undefined) await selectDevice('auto');
  return isSo;
}

const bareLoop = (options: Parameters<NonNullable<ContractOptions['trainer']>>[0]): TrainerBase =>
  new TrainerBase({
    ...options,
    step: ({ iteration }) => 1 / (iteration + 1),
    seed: 1,
    logger: new RecordingLogger(),
  });

async function refusesUnknownOption(options: ContractOptions): Promise<string | undefined> {
  const { definition, options: given, instance } = options.plugin();
  const odd = {
    ...options.plugin(),
    options: { ...(given as object | undefined), 'no-such-option': 1 },
    definition,
    instance,
  };
  try {
    await makeTrainer({ ...options, plugin: () => odd }, 'unused', 1, []).prepare();
  } catch (error) {
    return error instanceof HooklineError && ['HKL_OPTION_UNKNOWN', 'HKL_OPTION_INVALID'].includes(error.code)
      ? undefined
      : String(error);
  }
  return 'is accepted';
}

async function resumesAt(options: ContractOptions, at: number, iterations: number): Promise<string | undefined> {
  const output = await mkdtemp(join(tmpdir(), 'hookline-contract-'));
  try {
    const whole = await runAndLook(
      options,
      makeTrainer(options, output, iterations, [saveAt(at), saveAtEnd()]),
      output,
    );
    const resumed = makeTrainer(options, output, iterations, [saveAt(-1), saveAtEnd()]);
    await resumed.load(join(output, 'mid.safetensors'));
    const after = await runAndLook(options, resumed, output);
    return isDeepStrictEqual(after, whole)
      ? undefined
      : `differs: ${JSON.stringify(after)} instead of ${JSON.stringify(whole)}`;
  } finally {
    await rm(output, { recursive: true, force: true });
  }
}

/** What no plugin saves that has something to save; a state that is null may be anything. */
const JUNK: readonly JsonValue[] = ['junk', -5, Number.NaN, [{}], { junk: true }];

async function refusesJunk(options: ContractOptions, iterations: number): Promise<string | undefined> {
  const output = await mkdtemp(join(tmpdir(), 'hookline-contract-'));
  const { id } = options.plugin();
  try {
    await makeTrainer(options, output, iterations, [saveAt(iterations - 1)]).train();
    const file = join(output, 'mid.safetensors');
    const { manifest, tensors } = await readCheckpoint(file);
    const entry = manifest.entries['hookline/plugins'];
    const states = entry?.data as Readonly<Record<string, { readonly data: JsonValue }>>;
    const own = states[id];
    if (own === undefined) return undefined;
    const accepted: string[] = [];
    for (const data of JUNK) {
      const changed = { ...entry, data: { ...states, [id]: { ...own, data } } };
      const entries = { ...manifest.entries, 'hookline/plugins': changed };
      await writeCheckpoint(file, { manifest: { ...manifest, entries }, tensors });
      const trainer = makeTrainer(options, output, iterations, [saveAt(-1)]);
      try {
        await trainer.load(file);
        accepted.push(typeof data === 'number' ? String(data) : JSON.stringify(data));
      } catch (error) {
        if (!isHooklineError(error)) throw error;
      } finally {
        await trainer.close();
      }
    }
    return accepted.length === 0 ? undefined : `loads ${accepted.join(', ')}; give its state a schema`;
  } finally {
    await rm(output, { recursive: true, force: true });
  }
}

async function runAndLook(
  { observe = latestScalars, plugin }: ContractOptions,
  trainer: TrainerBase,
  output: string,
): Promise<unknown> {
  await trainer.train();
  const { manifest } = await readCheckpoint(join(output, 'end.safetensors'));
  const states = manifest.entries['hookline/plugins']?.data as Record<string, unknown> | undefined;
  return { state: states?.[plugin().id], seen: await observe(trainer) };
}

const RANKS = 2;

async function trainsOnRanks(options: ContractOptions, iterations: number): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'hookline-contract-'));
  const output = (rank: number): string => join(folder, String(rank));
  /** @param file the checkpoint to begin with */
  const train = async (maxIterations: number, file?: string): Promise<void> => {
    await onRanks(connectRanks(RANKS), async (comm) => {
      const trainer = makeTrainer(options, output(comm.rank), maxIterations, [useRank(comm)(), saveAtEnd()]);
      if (file !== undefined) await trainer.load(file);
      await trainer.train();
    });
  };
  try {
    await train(iterations);
    await train(iterations * 2, join(output(0), 'end.safetensors'));
    const written = await readdir(output(1), { recursive: true }).catch(() => []);
    const own = written.filter((name) => extname(name) !== '' && !name.includes('rank1'));
    return own.length === 0
      ? undefined
      : `the second rank writes ${own.join(', ')}; leave it to the first one (onFirstRank, or ranks: 'first')`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Gives a trainer its rank. */
const useRank = (comm: Communicator): ReturnType<typeof definePlugin> =>
  definePlugin({
    name: '@hookline/testing/use-rank',
    version: '0.1.0',
    services: () => [replace(commRef, () => comm)],
    setup: () => undefined,
  });

const latestScalars = (trainer: TrainerBase): unknown =>
  Object.fromEntries(
    [...trainer.storage.latest()].filter(([name]) => !name.endsWith('time')).map(([name, { value }]) => [name, value]),
  );

function makeTrainer(
  options: ContractOptions,
  output: string,
  maxIterations: number,
  more: readonly PluginInput[],
): TrainerBase {
  const plugins = [...(options.beside?.() ?? []), options.plugin(), ...more];
  return (options.trainer ?? bareLoop)({ plugins, output, maxIterations });
}

const saveAtEnd = (): Plugin =>
  definePlugin({
    name: '@hookline/testing/save-at-end',
    version: '0.1.0',
    requires: { checkpoints: checkpointsRef },
    setup({ hooks, checkpoints }) {
      hooks.afterTrain.tap(async () => void (await checkpoints.save('end', { tag: false })));
    },
  })();
