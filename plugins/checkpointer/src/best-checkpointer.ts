import { basename, extname } from 'node:path';
import {
  checkpointsRef,
  commRef,
  definePlugin,
  defineState,
  evaluationRef,
  loggerRef,
  MetricWatch,
  onFirstRank,
  outputRef,
  storageRef,
} from '@hookline/core';
import { z } from 'zod';
import { type BestRecord, readBestRecord, writeBestRecord } from './best-record.ts';
import { isBetter } from './is-better.ts';
import { deleteCheckpoints } from './kept-checkpoints.ts';
import { bestCheckpointerOptions } from './options.ts';

const PLUGIN_NAME = '@hookline/plugin-checkpointer/best';

const bestValue = z.object({ value: z.number(), iteration: z.int().min(0) });
type Best = Readonly<z.output<typeof bestValue>>;

const savedState = z.object({
  best: bestValue.nullable(),
  /** If several are kept: all of them, the best one first. */
  kept: z.array(bestValue).default([]),
  /** Number of values of the metric that were considered. */
  seen: z.int().min(0),
  metric: z.string(),
  mode: z.enum(['max', 'min']),
});

/**
 * Keeps the checkpoint with the best value of a metric, or the best few.
 *
 * @example bestCheckpointer({ metric: 'accuracy', keep: 3 })
 * @example bestCheckpointer({ metric: 'val/loss', mode: 'min' })
 */
export const bestCheckpointer = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: 'keeps the checkpoint with the best value of a metric',
  options: bestCheckpointerOptions,
  writes: ({ prefix }) => [`files/${prefix}`],
  after: ['evaluation', 'metrics'],
  before: ['writing'],
  requires: {
    checkpoints: checkpointsRef,
    evaluation: evaluationRef,
    logger: loggerRef,
    output: outputRef,
    comm: commRef,
    storage: storageRef,
  },
  setup({ hooks, checkpoints, evaluation, logger, output, comm, storage }, { metric, mode, prefix, keep }) {
    const watch = new MetricWatch({ metric, storage, evaluation, logger });
    let best: Best | undefined;
    /** If several are kept: the best one first. */
    let kept: readonly Best[] = [];

    const recordFile = (): Promise<string> => output.file(`${prefix}.json`);
    const record = (values: BestRecord): Promise<void> =>
      onFirstRank(comm, async () => writeBestRecord(await recordFile(), values), 'the best value');
    const consider = async ({ value, iteration }: Best): Promise<void> => {
      if (!isBetter(value, best?.value, mode)) return;
      const before =
        best === undefined ? '' : `, before it was ${forPeople(best.value)} at iteration ${best.iteration}`;
      // Update before saving, so that the checkpoint contains its own value as the best one.
      best = { value, iteration };
      await checkpoints.save(prefix, { tag: false });
      await record({ metric, mode, value, iteration });
      logger.info(`best ${metric} so far: ${forPeople(value)} at iteration ${iteration}${before}; saved as ${prefix}`);
    };
    const nameOf = ({ iteration }: Best): string => `${prefix}_${String(iteration).padStart(7, '0')}`;
    const isThere = async (name: string): Promise<boolean> =>
      (await checkpoints.list()).some((path) => basename(path, extname(path)) === name);
    const remove = (those: readonly Best[]): Promise<void> => {
      const failed = (path: string, error: unknown): void =>
        logger.warn(`could not delete the checkpoint ${path}, which is no longer among the best: ${String(error)}`);
      const names = new Set(those.map(nameOf));
      return onFirstRank(
        comm,
        () => deleteCheckpoints(checkpoints, names, failed),
        'checkpoints that are not the best',
      );
    };
    /** {@link consider} if several are kept, each under its own name. */
    const considerAmongBest = async (sample: Best): Promise<void> => {
      const { value, iteration } = sample;
      // A run that resumes from an older checkpoint reaches the same iterations again.
      const same = kept.find((each) => each.iteration === iteration);
      if (same !== undefined && !isBetter(value, same.value, mode)) return;
      const others = kept.filter((each) => each.iteration !== iteration);
      const place = others.findIndex((each) => isBetter(value, each.value, mode));
      const at = place < 0 ? others.length : place;
      if (!Number.isFinite(value) || at >= keep) return;
      const ranked = others.toSpliced(at, 0, sample);
      kept = ranked.slice(0, keep);
      best = kept[0];
      await checkpoints.save(nameOf(sample), { tag: false });
      if (best !== undefined) await record({ metric, mode, ...best, kept: [...kept] });
      await remove(ranked.slice(keep));
      logger.info(
        `${metric} ${forPeople(value)} at iteration ${iteration} is number ${at + 1} so far; saved as ${nameOf(sample)}`,
      );
    };
    const take = keep > 1 ? considerAmongBest : consider;
    const look = (): void | Promise<void> => {
      const samples = watch.look();
      if (samples instanceof Promise) return samples.then((values) => lastOf(values, take));
      return lastOf(samples, take);
    };

    /** The entries of the record whose files exist; null if the record is of another metric. */
    const recorded = async (): Promise<readonly Best[] | null> => {
      const found = await readBestRecord(await recordFile());
      if (found?.metric !== metric || found.mode !== mode) return null;
      const { value, iteration, kept: several = [] } = found;
      const named =
        keep > 1 ? several.map((each) => [each, nameOf(each)] as const) : [[{ value, iteration }, prefix] as const];
      const there: Best[] = [];
      for (const [each, name] of named) if (await isThere(name)) there.push(each);
      return there;
    };
    /** If the resumed checkpoint is older than the best one, recalls the best value, so that a worse one does not replace it. */
    const recall = async (): Promise<void> => {
      const found = await onFirstRank(comm, recorded, 'the best value');
      if (found === null) return;
      if (keep > 1) {
        const ranked = new Set(found.map(({ iteration }) => iteration));
        // Delete what a killed run had no time to delete.
        await remove(kept.filter(({ iteration }) => !ranked.has(iteration)));
        [kept, best] = [found.slice(0, keep), found[0]];
        return;
      }
      const [before] = found;
      if (before !== undefined && isBetter(before.value, best?.value, mode)) best = before;
    };

    hooks.beforeTrain.tap(async ({ startIteration }) => {
      await watch.begin();
      if (startIteration > 0) await recall();
      // The results of an evaluation that the resumed run owes belong to the weights before the first step.
      await look();
    });
    hooks.afterStep.tap(() => {
      const looked = look();
      watch.warnWhereMissing();
      return looked;
    });
    hooks.afterTrain.tap(({ status }) => {
      // Consider the evaluation after training; but after a failure, the weights may be wrong.
      if (status === 'failed') return undefined;
      const looked = look();
      // An interrupted run may not have reached an evaluation.
      watch.warnWhereMissing(status !== 'interrupted');
      return looked;
    });
    return {
      // Without a state, the best value is read from its file.
      state: defineState({
        schema: savedState,
        optional: true,
        save: () => ({
          best: best === undefined ? null : { ...best },
          kept: kept.map((each) => ({ ...each })),
          seen: watch.seen ?? 0,
          metric,
          mode,
        }),
        load: (saved) => {
          if (saved.metric !== metric || saved.mode !== mode) {
            logger.warn(
              `starts afresh: the checkpoint followed ${saved.metric} (${saved.mode}), which cannot be compared with ${metric} (${mode})`,
            );
            return;
          }
          best = saved.best ?? undefined;
          ({ kept } = saved);
          watch.seen = saved.seen;
        },
        reset: () => {
          [best, kept, watch.seen] = [undefined, [], undefined];
        },
      }),
    };
  },
});

/** The last of several new values; only this one belongs to the current weights. */
function lastOf(samples: readonly Best[], consider: (sample: Best) => Promise<void>): void | Promise<void> {
  const last = samples.at(-1);
  return last === undefined ? undefined : consider(last);
}

/** Formats a value with four digits; the JSON record has all digits. */
const forPeople = (value: number): string => String(Number(value.toPrecision(4)));
