import {
  commRef,
  controlRef,
  definePlugin,
  defineState,
  describeCause,
  HooklineError,
  isHooklineError,
  loggerRef,
  onFirstRank,
  optional,
  outputRef,
  type StepOutput,
  storageRef,
  TOTAL_LOSS,
  totalLossOf,
} from '@hookline/core';
import { modelRef, stepScopeRef } from '@hookline/tfjs';
import { z } from 'zod';
import { type AnomalyReport, writeReport } from './anomaly-report.ts';
import { GradientGuard } from './gradient-guard.ts';
import { LossWindow } from './loss-window.ts';
import { newSamples, type Sample } from './new-samples.ts';
import { anomalyGuardSchema } from './options.ts';

const PLUGIN_NAME = '@hookline/plugin-anomaly-guard';
/** Name of the scalar for the number of variables whose gradients are not finite. */
const BAD_GRADIENTS = 'nonfinite_gradients';

const savedState = z.object({
  losses: z.array(z.number()),
  skipped: z.int().min(0),
  lastSkipped: z.int().min(-2),
  /** The last iteration that was checked. */
  seen: z.int().min(-1),
});

/**
 * Watches for losses and gradients that are not finite and for losses that jump, acts on them, and writes a report.
 *
 * @example anomalyGuard({ gradients: 'skip', maxSkips: 3 })
 */
export const anomalyGuard = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: 'finds loss spikes and losses or gradients that are not finite; skips, stops or raises',
  options: anomalyGuardSchema,
  writes: [`metrics/${BAD_GRADIENTS}`],
  after: ['accumulation?', 'reduction?', 'scaling?'],
  before: ['gradients', 'checkpointing'],
  requires: {
    storage: storageRef,
    control: controlRef,
    logger: loggerRef,
    output: outputRef,
    comm: commRef,
    scope: optional(stepScopeRef),
    model: optional(modelRef),
  },
  setup({ hooks, plugin, storage, control, logger, output, comm, scope, model }, options) {
    if (model !== undefined && 'makeOptimizer' in model.value) throw ofOnePart(plugin.id);
    const { factor, minHistory, maxSkips, period } = options;
    const losses = new LossWindow(options.window);
    let skipped = 0;
    let reports = 0;
    let lastSkipped = -2;
    let seen: number | undefined;
    const guard =
      options.gradients === 'off' || scope === undefined || model === undefined
        ? undefined
        : new GradientGuard(scope.value, plugin.id, model.value.trainable().keys());

    const countSkipped = (iteration: number): void => {
      skipped = lastSkipped === iteration - 1 ? skipped + 1 : 1;
      lastSkipped = iteration;
    };
    const report = async (found: Pick<AnomalyReport, 'iteration' | 'kind' | 'action' | 'message' | 'gradients'>) => {
      if (reports++ >= options.maxReports) {
        logger.warn(found.message);
        return;
      }
      const { values, median } = losses;
      const numbers = { recentLosses: values, medianLoss: median, skippedInARow: skipped };
      // Losses and gradients are the same on all ranks, so each of them finds the same anomaly.
      const path = await onFirstRank(
        comm,
        () => writeReport(output, { ...found, ...numbers }),
        'the report of an anomaly',
      );
      logger.warn(`${found.message}; see ${path}`);
    };
    /** Reports an anomaly of a step that has been taken, and acts on it. */
    const act = async (
      found: Pick<AnomalyReport, 'iteration' | 'kind' | 'message' | 'gradients'>,
      action: 'warn' | 'skip' | 'stop' | 'raise',
    ): Promise<void> => {
      const isTooMany = action === 'skip' && skipped > maxSkips;
      await report({ ...found, action: isTooMany ? 'raise' : action });
      if (action === 'stop') control.stop(found.message);
      if (action === 'raise' || isTooMany) throw anomaly(plugin.id, found);
    };

    const lookAtLoss = async ({ iteration, value }: Sample): Promise<void> => {
      if (!Number.isFinite(value)) {
        const message = `the loss of iteration ${iteration} is ${value} and has changed the weights`;
        await act({ iteration, kind: 'loss', message }, options.loss === 'stop' ? 'stop' : 'raise');
        return;
      }
      const isSpike = options.spike !== 'off' && losses.values.length >= minHistory && losses.isSpike(value, factor);
      if (isSpike) {
        const message = `the loss jumped to ${value} at iteration ${iteration}, from a median of ${losses.median}`;
        await act({ iteration, kind: 'spike', message }, options.spike as 'warn' | 'stop' | 'raise');
      }
      losses.push(value);
    };
    const lookAtGradients = async ({ iteration, value }: Sample): Promise<void> => {
      const { gradients: action } = options;
      if (value === 0 || action === 'off') return;
      if (action === 'skip') countSkipped(iteration);
      const names = (await guard?.names()) ?? [];
      const fate = action === 'skip' ? 'the update was skipped' : 'they have changed the weights';
      const message = `gradients of iteration ${iteration} are not finite (${names.join(', ')}); ${fate}`;
      await act({ iteration, kind: 'gradients', message, gradients: names }, action);
    };

    if (guard !== undefined && scope !== undefined) {
      hooks.gradients.tap((gradients) => {
        const bad = guard.inspect(gradients, scope.value.updateCondition);
        scope.value.metric(BAD_GRADIENTS, bad);
        if (options.gradients === 'skip') scope.value.updateIf(bad.equal(0));
        return gradients;
      });
    }
    hooks.beforeTrain.tap(({ startIteration }) => {
      seen ??= startIteration - 1;
    });
    hooks.stepFailed.tap(async (error, { iteration }) => {
      const isLoss = isHooklineError(error, 'HKL_LOSS_NOT_FINITE');
      if (!isLoss && !isHooklineError(error, 'HKL_GRADIENT_NOT_FINITE')) return undefined;
      // Values that are still on the device may explain the failure: after gradients that were not finite, the next loss is not finite either.
      await catchUp(iteration - 1);
      const asked = isLoss ? options.loss : options.gradients;
      if (asked === 'off') return undefined;
      countSkipped(iteration);
      // The runner has not changed the weights, so to continue is to skip the step.
      const goesOn = asked === 'skip' || asked === 'warn';
      const isTooMany = goesOn && skipped > maxSkips;
      const action = isTooMany ? 'raise' : asked;
      const often = isTooMany ? `, after ${maxSkips} skipped steps in a row` : '';
      const message = `${describeCause(error)}${often}`;
      if (isLoss) await report({ iteration, kind: 'loss', action, message });
      else {
        const { gradients = [] } = error as { readonly gradients?: readonly string[] };
        await report({ iteration, kind: 'gradients', action, message, gradients });
      }
      if (action === 'raise') return undefined;
      return action === 'stop' ? 'stop' : 'skip';
    });
    hooks.afterStep.tap((step, stepOutput) => {
      const { iteration } = step;
      const loss = totalLossOf(stepOutput);
      const bad = badGradientsOf(stepOutput);
      if (typeof loss === 'number' && typeof bad === 'number') {
        seen = iteration;
        // The usual case needs no promise, which would slow down every step.
        const isUsual =
          bad === 0 && Number.isFinite(loss) && (losses.values.length < minHistory || !losses.isSpike(loss, factor));
        if (isUsual) {
          losses.push(loss);
          return undefined;
        }
        return lookAtLoss({ iteration, value: loss }).then(() => lookAtGradients({ iteration, value: bad }));
      }
      const done = iteration + 1;
      return done % period === 0 || done === step.maxIterations ? catchUp(iteration) : undefined;
    });
    /** Checks the values that have been stored since the last check. */
    async function catchUp(iteration: number): Promise<void> {
      const after = seen ?? -1;
      if (after >= iteration) return;
      await storage.resolve();
      seen = iteration;
      const bad = new Map<number, Sample>();
      for (const name of storage.names().filter(isBadGradients)) {
        for (const { iteration: at, value } of newSamples(storage, name, after))
          bad.set(at, { iteration: at, value: value + (bad.get(at)?.value ?? 0) });
      }
      for (const sample of newSamples(storage, TOTAL_LOSS, after)) {
        await lookAtLoss(sample);
        await lookAtGradients(bad.get(sample.iteration) ?? { iteration: sample.iteration, value: 0 });
      }
    }
    return {
      // A run that diverged may be resumed with a guard, which then begins with an empty window.
      state: defineState({
        schema: savedState,
        optional: true,
        save: () => ({ losses: [...losses.values], skipped, lastSkipped, seen: seen ?? -1 }),
        load: (saved) => {
          losses.restore(saved.losses);
          ({ skipped, lastSkipped, seen } = saved);
        },
        reset: () => {
          losses.restore([]);
          [skipped, lastSkipped, seen] = [0, -2, undefined];
        },
      }),
    };
  },
});

/** Several parts that are updated in turn have a scalar each, such as `generator/nonfinite_gradients`. */
const isBadGradients = (name: string): boolean => name === BAD_GRADIENTS || name.endsWith(`/${BAD_GRADIENTS}`);

/** The number of variables whose gradients are not finite; undefined if it is still on the device. */
function badGradientsOf({ metrics = {} }: StepOutput): number | undefined {
  let sum = 0;
  for (const name in metrics) {
    if (!isBadGradients(name)) continue;
    const value = metrics[name];
    if (typeof value !== 'number') return undefined;
    sum += value;
  }
  return sum;
}

/** The values that the plugin reads from the storage are those of the whole step. */
const ofOnePart = (who: string): HooklineError =>
  new HooklineError('HKL_PARTS_UNSUPPORTED', 'it looks after all parts of a model at once', {
    who,
    where: 'setup',
    fix: 'List it without forPart',
  });

function anomaly(who: string, { iteration, message }: Pick<AnomalyReport, 'iteration' | 'message'>): HooklineError {
  return new HooklineError('HKL_ANOMALY', message, {
    who,
    where: `iteration ${iteration}`,
    fix: 'Its report is in the folder anomalies of the output. Try a lower learning rate, clipping, or look at the data',
  });
}
