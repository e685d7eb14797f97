import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  checkpointsRef,
  commRef,
  controlRef,
  definePlugin,
  evaluationRef,
  HooklineError,
  isHooklineError,
  onEveryRank,
  outputRef,
  type PluginInput,
  randomRef,
  readCheckpoint,
  replace,
  TrainerBase,
  type TrainerBaseOptions,
  writeFileAtomically,
} from '@hookline/core';
import { type ConnectedRank, connectRanks, onRanks as onEach } from './connect-ranks.ts';
import { RecordingLogger } from './recording-logger.ts';

let output: string;
beforeEach(() => {
  output = temporaryFolder();
});

type Made = (rank: number) => Partial<TrainerBaseOptions> & { readonly load?: string };

/** Trains on several ranks concurrently, and returns the trainers and how each ended. */
async function onRanks(size: number, made: Made) {
  const ranks = connectRanks(size);
  const logger = new RecordingLogger();
  const trainers = ranks.map((comm) => {
    const { load, ...options } = made(comm.rank);
    const trainer = new TrainerBase({
      maxIterations: 6,
      seed: 1,
      output,
      logger: comm.rank === 0 ? logger : new RecordingLogger(),
      step: ({ iteration }) => 1 / (iteration + 1),
      ...options,
      services: [replace(commRef, () => comm)],
    });
    return { comm, trainer, load };
  });
  const ends = await Promise.allSettled(
    trainers.map(async ({ comm, trainer, load }) => {
      try {
        if (load !== undefined) await trainer.load(load);
        return await trainer.train();
      } finally {
        comm.leave();
      }
    }),
  );
  return { trainers: trainers.map(({ trainer }) => trainer), ends, lines: logger.lines };
}

const at = (iteration: number, act: () => unknown): PluginInput =>
  definePlugin({
    name: 'at',
    version: '1.0.0',
    setup: ({ hooks }) =>
      hooks.afterStep.tap((step) => (step.iteration === iteration ? (act() as undefined) : undefined)),
  })();

const saver = definePlugin({
  name: 'saver',
  version: '1.0.0',
  requires: { checkpoints: checkpointsRef },
  setup({ hooks, checkpoints }) {
    hooks.afterTrain.tap(async () => void (await checkpoints.save('end')));
  },
});

const reasonOf = (end: PromiseSettledResult<unknown> | undefined): unknown =>
  end?.status === 'rejected' ? end.reason : undefined;

describe('several ranks', () => {
  it('stop after the same iteration when one of them is asked to, and say who was', async () => {
    const stopper = definePlugin({
      name: 'stopper',
      version: '1.0.0',
      requires: { control: controlRef },
      setup: ({ hooks, control }) =>
        hooks.afterStep.tap(({ iteration }) => (iteration === 2 ? control.stop('enough') : undefined)),
    });
    const { ends } = await onRanks(3, (rank) => ({ plugins: rank === 1 ? [stopper()] : [at(-1, () => 0)] }));
    // The plugins differ, which is detected before the first step.
    expect(reasonOf(ends[0])).toMatchObject({ code: 'HKL_RANKS_DIFFER', who: 'rank 1' });
    const stops = (rank: number) =>
      definePlugin({
        name: 'stopper',
        version: '1.0.0',
        requires: { control: controlRef },
        setup: ({ hooks, control }) =>
          hooks.afterStep.tap(({ iteration }) => (iteration === 2 && rank === 1 ? control.stop('enough') : undefined)),
      });
    const second = await onRanks(3, (rank) => ({ plugins: [stops(rank)()] }));
    expect(second.ends.map((end) => end.status === 'fulfilled' && end.value)).toEqual([
      { status: 'stopped', iteration: 3, reason: 'enough (rank 1)' },
      { status: 'stopped', iteration: 3, reason: 'enough' },
      { status: 'stopped', iteration: 3, reason: 'enough (rank 1)' },
    ]);
  });

  it('go on together when one of them is asked to stop while they agree on going on, and stop after the next step', async () => {
    const ranks = connectRanks(2);
    const ends = await onEach(ranks, (comm) => {
      let calls = 0;
      const late: ConnectedRank = {
        ...comm,
        allReduce(...args) {
          const agreed = comm.allReduce(...args);
          if (comm.rank === 1 && ++calls === 3) trainer.stop('late');
          return agreed;
        },
      };
      const trainer: TrainerBase = new TrainerBase({
        maxIterations: 6,
        seed: 1,
        output,
        logger: new RecordingLogger(),
        step: () => 1,
        services: [replace(commRef, () => late)],
      });
      return trainer.train();
    });
    expect(ends).toMatchObject([
      { status: 'stopped', iteration: 3, reason: 'late (rank 1)' },
      { status: 'stopped', iteration: 3, reason: 'late' },
    ]);
  });

  it('fail together when a tap of one fails between two steps, each with the error of that rank, and save before', async () => {
    const { ends } = await onRanks(2, (rank) => ({
      plugins: [
        at(3, () => {
          if (rank === 1) throw new TypeError('no such thing');
        }),
        saver(),
      ],
    }));
    expect(reasonOf(ends[1])).toMatchObject({ code: 'HKL_PLUGIN_FAILED' });
    expect(reasonOf(ends[0])).toMatchObject({ code: 'HKL_RANK_FAILED', who: 'rank 1' });
    expect(String(reasonOf(ends[0]))).toContain('no such thing');
    expect((await readCheckpoint(join(output, 'end.safetensors'))).manifest.iteration).toBe(4);
  });

  it('fail together when one fails while the others are at something that all must do', async () => {
    const evaluates = (rank: number) =>
      definePlugin({
        name: 'evaluates',
        version: '1.0.0',
        requires: { evaluation: evaluationRef, checkpoints: checkpointsRef },
        setup({ hooks, evaluation, checkpoints }) {
          hooks.afterStep.tap(async (step) => {
            if (step.iteration !== 1) return;
            if (rank === 0) throw new RangeError('rank 0 cannot');
            await evaluation.run(step);
            await checkpoints.save('never');
          });
        },
      })();
    const { ends } = await onRanks(2, (rank) => ({ plugins: [evaluates(rank)] }));
    expect(String(reasonOf(ends[0]))).toContain('rank 0 cannot');
    expect(reasonOf(ends[1])).toMatchObject({ code: 'HKL_RANK_FAILED', who: 'rank 0' });
    expect(await readdir(output)).toEqual([]);
  });

  it('write through the first rank alone, and set up plugins for it there alone', async () => {
    const set: number[] = [];
    const writer = (rank: number) =>
      definePlugin({
        name: 'writer',
        version: '1.0.0',
        ranks: 'first',
        requires: { output: outputRef },
        setup({ hooks, output: folder }) {
          set.push(rank);
          let steps = 0;
          hooks.afterStep.tap(() => void steps++);
          hooks.afterTrain.tap(async () => writeFileAtomically(await folder.file('out.txt'), 'written'));
          return { state: { save: () => steps, load: (saved) => void (steps = Number(saved)) } };
        },
      })();
    const { ends } = await onRanks(2, (rank) => ({ plugins: [writer(rank), saver()] }));
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    expect(set).toEqual([0]);
    expect((await readdir(output)).sort()).toEqual(['end.safetensors', 'last_checkpoint', 'out.txt']);
    const again = await onRanks(2, (rank) => ({
      plugins: [writer(rank), saver()],
      load: join(output, 'end.safetensors'),
      maxIterations: 8,
    }));
    expect(again.ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    expect(again.trainers.map(({ iteration }) => iteration)).toEqual([8, 8]);
  });

  it('refuse a plugin of the first rank that taps the inside of the step, also where there is one process', async () => {
    const wrong = definePlugin({
      name: 'wrong',
      version: '1.0.0',
      ranks: 'first',
      setup: ({ hooks }) => hooks.losses.tap((losses) => losses),
    });
    const trainer = new TrainerBase({ maxIterations: 1, step: () => 1, plugins: [wrong()], output });
    await expect(trainer.train()).rejects.toMatchObject({ code: 'HKL_HOOK_ON_ONE_RANK', who: 'wrong' });
  });

  it('keep what each rank saves otherwise in one file, for as many ranks; others take what the first had', async () => {
    const drawn: Record<string, number[]> = {};
    const draws = (rank: number, run: string) =>
      definePlugin({
        name: 'draws',
        version: '1.0.0',
        requires: { random: randomRef },
        setup({ hooks, random }) {
          let count = 0;
          hooks.afterStep.tap(() => {
            // Each rank draws as many numbers as its share of the data needs.
            for (let i = 0; i <= rank; i++) (drawn[`${run} ${rank}`] ??= []).push(random.int(1e9));
            count += rank + 1;
          });
          return { state: { save: () => ({ count }), load: (saved) => void ({ count } = saved as { count: number }) } };
        },
      })();
    await onRanks(2, (rank) => ({ plugins: [draws(rank, 'whole'), saver()], maxIterations: 6 }));
    await onRanks(2, (rank) => ({ plugins: [draws(rank, 'cut'), saver()], maxIterations: 3 }));
    const load = join(output, 'end.safetensors');
    await onRanks(2, (rank) => ({ plugins: [draws(rank, 'cut'), saver()], maxIterations: 6, load }));
    expect(drawn['cut 0']).toEqual(drawn['whole 0']);
    expect(drawn['cut 1']).toEqual(drawn['whole 1']);
    const three = await onRanks(3, (rank) => ({ plugins: [draws(rank, 'three'), saver()], maxIterations: 8, load }));
    expect(three.ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
    expect(three.lines.join('\n')).toContain('was saved by 2 ranks, and 3 ranks go on from it');
    const logger = new RecordingLogger();
    const plugins = [draws(0, 'evaluated'), saver()];
    await new TrainerBase({ maxIterations: 6, step: () => 1, plugins, output, logger }).load(load, 'inference');
    expect(logger.lines).toEqual([]);
  });

  it('refuse to go on with weights that differ, and name the tensor', async () => {
    const holder = (rank: number) =>
      definePlugin({
        name: 'holder',
        version: '1.0.0',
        setup({ hooks }) {
          hooks.saveState.tap((checkpoint) =>
            checkpoint.setTensor('model/w', { dtype: 'float32', shape: [1], data: Float32Array.of(1 + rank) }),
          );
          hooks.loadState.tap(() => undefined);
        },
      })();
    const { ends } = await onRanks(2, (rank) => ({ plugins: [holder(rank), saver()] }));
    for (const end of ends) expect(String(reasonOf(end))).toMatch(/HKL_RANKS_DIVERGED.*rank 1: its model\/w differ/);
  });

  it('tell all what the first one cannot write', async () => {
    await rm(output, { recursive: true });
    await writeFileAtomically(output, 'a file where the folder should be');
    const { ends } = await onRanks(2, () => ({ plugins: [saver()] }));
    expect(ends.map(reasonOf).map((error) => isHooklineError(error) && [error.code, error.who])).toEqual([
      ['HKL_OUTPUT_UNWRITABLE', 'output'],
      ['HKL_OUTPUT_UNWRITABLE', 'rank 0'],
    ]);
  });

  it('get the error of another one with its parts and causes', async () => {
    const cause = new HooklineError('HKL_INNER', 'it is empty', { who: 'a.png', cause: new RangeError('0 bytes') });
    const error = new HooklineError('HKL_OUTER', 'no batch', { who: 'loader', where: 'batch 3', fix: 'Look', cause });
    const ranks = connectRanks(2);
    const calls = ranks.map((comm) =>
      onEveryRank(comm, () => {
        if (comm.rank === 0) throw error;
      }),
    );
    const [own, others] = await Promise.allSettled(calls);
    expect(reasonOf(own)).toBe(error);
    expect(reasonOf(others)).toMatchObject({
      code: 'HKL_OUTER',
      message: '[HKL_OUTER] rank 0: loader: no batch (batch 3). Look.',
      where: 'batch 3',
      cause: { code: 'HKL_INNER', what: 'it is empty', who: 'a.png', cause: { message: '0 bytes' } },
    });
    for (const comm of ranks) comm.leave();
  });

  it('evaluate with the results of the first one', async () => {
    const results: unknown[] = [];
    const judge = (rank: number) =>
      definePlugin({
        name: 'judge',
        version: '1.0.0',
        requires: { evaluation: evaluationRef },
        setup({ hooks, evaluation }) {
          hooks.evaluate.tap(() => ({ accuracy: rank === 0 ? Number.NaN : 1 }));
          hooks.afterTrain.tap(async ({ iteration }) => {
            results.push(await evaluation.run({ iteration, startIteration: 0, maxIterations: iteration }));
          });
        },
      })();
    await onRanks(2, (rank) => ({ plugins: [judge(rank)] }));
    expect(results).toEqual([{ accuracy: Number.NaN }, { accuracy: Number.NaN }]);
  });
});
