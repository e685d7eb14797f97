import { definePlugin } from '../plugin/define-plugin.ts';
import type { Plugin } from '../plugin/plugin.ts';
import { controlRef } from '../services/control.ts';
import { storageRef } from '../services/core-services.ts';
import { ConsoleLogger } from '../services/logger.ts';
import { trainerRef } from '../services/trainer-handle.ts';

/** Says nothing. */
export const silent = new ConsoleLogger({ level: 'silent' });

/** A step whose loss falls. */
export const falling = ({ iteration }: { readonly iteration: number }): number => 1 / (iteration + 1);

/** What the plugins of these tests are given. */
export const requires = { storage: storageRef, control: controlRef, trainer: trainerRef };

/** Writes down every phase with what storage and trainer say of the iteration. */
export const scribe = (log: string[], name = 'scribe'): Plugin =>
  definePlugin({
    name,
    version: '1.0.0',
    requires,
    setup({ hooks, storage, trainer }) {
      const note = (phase: string) => void log.push(`${phase} ${storage.iteration}=${trainer.iteration}`);
      hooks.beforeTrain.tap(() => note('beforeTrain'));
      hooks.beforeStep.tap(() => note('beforeStep'));
      hooks.afterStep.tap(() => note('afterStep'));
      hooks.afterTrain.tap(({ status }) => note(`afterTrain(${status})`));
      return { dispose: () => void log.push('dispose') };
    },
  })();
