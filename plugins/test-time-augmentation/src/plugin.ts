import { definePlugin, HooklineError, loggerRef, type Results } from '@hookline/core';
import { modelRef, tf, type TrainableModel, eachBatch } from '@hookline/tfjs';
import type { z } from 'zod';
import { detectorOf, predictViews, type TtaOptions } from '@hookline/vision';
import { ttaSchema } from './options.ts';

/**
 * Evaluates a detector with test-time augmentation (flips, scales, box voting) beside the plain evaluation. The results
 * have the names of the evaluator's with `_TTA` behind them; whoever runs the evaluation stores them.
 *
 * @example detectionTta({ loader: testBatches, evaluator: new CocoEvaluator({ truth }), flips: ['none', 'horizontal'] })
 */
export const detectionTta = definePlugin({
  name: '@hookline/plugin-detection-tta',
  version: '0.1.0',
  description: 'evaluates with flips, scales and box voting',
  options: ttaSchema,
  // So that the end of a training that was stopped is known before it is evaluated.
  before: ['evaluation'],
  requires: { model: modelRef, logger: loggerRef },
  setup({ hooks, plugin, model, logger }, options) {
    let isEnding = false;
    hooks.beforeTrain.tap(() => {
      isEnding = false;
    });
    hooks.afterTrain.tap(({ status }) => {
      isEnding = status === 'completed' || status === 'stopped';
    });
    hooks.evaluate.tap(async (results, { iteration, maxIterations }) => {
      if (!options.everyEvaluation && !isEnding && iteration + 1 < maxIterations) return results;
      const begin = performance.now();
      const own = await evaluateViews(model.value, options, plugin.id);
      const seconds = ((performance.now() - begin) / 1000).toFixed(1);
      logger.info(`test-time augmentation: ${describe(own)} in ${seconds} s`);
      return merge(results, own, plugin.id);
    });
  },
});

async function evaluateViews(
  model: TrainableModel,
  { loader, evaluator, name, everyEvaluation: _, ...tta }: z.output<typeof ttaSchema>,
  who: string,
): Promise<Results> {
  const net = detectorOf(model, who);
  evaluator.reset();
  await eachBatch(loader, async (batch) => {
    const images = net.inputs(batch);
    if (!((images as unknown) instanceof tf.Tensor)) throw noImages(who);
    await evaluator.process(batch, await predictViews(net, images, tta as TtaOptions));
  });
  const results = (await evaluator.evaluate()) ?? {};
  if (name !== undefined) return { [`${name}_TTA`]: results };
  return Object.fromEntries(Object.entries(results).map(([task, value]) => [`${task}_TTA`, value]));
}

function merge(results: Results, own: Results, who: string): Results {
  const twice = Object.keys(own).find((key) => Object.hasOwn(results, key));
  if (twice === undefined) return { ...results, ...own };
  throw new HooklineError('HKL_EVAL_DUPLICATE', `there is a result called "${twice}" already`, {
    who,
    where: 'hook evaluate',
    fix: 'Give each instance a name',
  });
}

/** The first metric of each task. */
function describe(results: Results, path = ''): string {
  return Object.entries(results)
    .slice(0, path === '' ? Infinity : 3)
    .map(([name, value]) =>
      typeof value === 'number' ? `${path}${name} ${value.toFixed(2)}` : describe(value, `${path}${name}/`),
    )
    .join(', ');
}

const noImages = (who: string): HooklineError =>
  new HooklineError('HKL_DETECT_RECORDS', 'the batches of its loader have no tensor "images"', {
    who,
    fix: 'Give { images, records, ... }, images of shape [batch, height, width, 3]',
  });
