import { definePlugin, epochsRef, HooklineError, loggerRef, type NamedTensors } from '@hookline/core';
import { modelRef, optimizerRef, stepScopeRef } from '@hookline/tfjs';
import { findFrozen, type FrozenSet } from './find-frozen.ts';
import { freezeSchema } from './options.ts';
import { type Again, remember } from './remember.ts';

const PLUGIN_NAME = '@hookline/plugin-freeze';

const TOO_FAST =
  'the optimizer corrects its averages by the steps of the whole training: what is frozen at first moves several times too fast ' +
  "when it begins to; use Hookline's adam or adamW, or freeze for good";

/**
 * Freezes parts of a model until an iteration, or permanently: weights, their optimizer slots, and
 * batch norm statistics do not change by a single bit.
 *
 * @example freeze({ rules: [{ names: 'backbone/*', until: 1000 }] })
 */
export const freeze = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: 'freezes parts of the model until an iteration, or permanently',
  options: freezeSchema,
  after: ['accumulation?'],
  before: ['scaling?', 'gradients', 'averaging', 'statistics', 'checkpointing'],
  requires: { scope: stepScopeRef, model: modelRef, optimizer: optimizerRef, logger: loggerRef, epochs: epochsRef },
  setup({ hooks, plugin, scope, model, optimizer, logger, epochs }, { rules }) {
    const sets = findFrozen(
      plugin.id,
      model.value,
      rules.map(({ names, until }) => ({
        names,
        until: until === undefined ? undefined : epochs.until(until, 'until'),
      })),
    );
    let now = 0;
    /** Number of sets that are already unfrozen; the sets are sorted by iteration. */
    const moving = (): number => sets.filter(({ until }) => until <= now).length;
    const variant = scope.value.variant(`${plugin.id}/moving`, moving);
    const late = sets.some(({ trained, until }) => trained.length > 0 && until !== Infinity);
    if (late && optimizer.value.startLater === undefined && /adam/i.test(optimizer.value.name)) logger.warn(TOO_FAST);
    const undo = sets.map(({ trained, until }, place) =>
      trained.length === 0 || until === Infinity
        ? undefined
        : optimizer.value.startLater?.(trained, (name, init) =>
            scope.value.variable(`${plugin.id}/${place + 1}/${name}`, init),
          ),
    );
    const hold = (): void => {
      const from = moving();
      sets.forEach(({ norms }, place) => norms.forEach((norm) => norm.freeze?.(place >= from)));
    };
    let again: Again | undefined;
    let told: number | undefined;
    hooks.beforeTrain.tap(({ startIteration, maxIterations }) => {
      now = startIteration;
      const trainable = model.value.trainable().size;
      if (trainable === sets.slice(moving()).reduce((sum, { trained }) => sum + trained.length, 0))
        throw nothingLeft(plugin.id, startIteration);
      for (const late of sets.filter(({ until }) => until >= maxIterations && until !== Infinity))
        logger.warn(`${counted(late)} frozen until iteration ${late.until}, and the training ends at ${maxIterations}`);
    });
    hooks.beforeStep.tap(({ iteration }) => {
      now = iteration;
      hold();
      const from = moving();
      if (from === told) return undefined;
      if (told !== undefined)
        for (const set of sets.slice(told, from))
          logger.info(`${counted(set)} not frozen any more, from iteration ${iteration} on`);
      told = from;
      // The optimizer does not change variables without a gradient. Variables that the model itself assigns are checked once.
      const names = sets.slice(from).flatMap(({ state }) => state);
      return remember(model.value, names).then((found) => {
        again = found;
      });
    });
    hooks.gradients.tap((gradients) => withoutFrozen(gradients, sets.slice(variant.value)));
    hooks.afterStep.tap(() => {
      const check = again;
      again = undefined;
      return check?.(model.value).then((moved) => {
        if (moved !== undefined) throw movedAllTheSame(plugin.id, moved);
      });
    });
    return {
      dispose: () => {
        for (const takeBack of undo) takeBack?.();
        for (const { norms } of sets) for (const norm of norms) norm.freeze?.(false);
      },
    };
  },
});

const counted = ({ trained: { length } }: FrozenSet): string =>
  `${length} ${length === 1 ? 'weight is' : 'weights are'}`;

function withoutFrozen(gradients: NamedTensors, frozen: readonly FrozenSet[]): NamedTensors {
  if (frozen.length === 0) return gradients;
  const names = new Set(frozen.flatMap(({ trained }) => trained));
  return Object.fromEntries(Object.entries(gradients).filter(([name]) => !names.has(name)));
}

function nothingLeft(who: string, iteration: number): HooklineError {
  return new HooklineError('HKL_FREEZE_ALL', `at iteration ${iteration} all trainable variables are frozen`, {
    who,
    fix: 'Leave the variables to be trained out of the rules',
  });
}

function movedAllTheSame(who: string, name: string): HooklineError {
  return new HooklineError('HKL_FREEZE_MOVED', `"${name}" has changed though it is frozen`, {
    who,
    fix: 'The model assigns it itself: use a batch norm that the model lists in batchNorms and that can be frozen, or leave the variable out of the rules',
  });
}
