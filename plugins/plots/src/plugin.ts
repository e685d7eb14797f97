import {
  definePlugin,
  defineState,
  describeCause,
  epochsRef,
  HooklineError,
  outputRef,
  storageRef,
  writeFileAtomically,
} from '@hookline/core';
import { z } from 'zod';
import { Curve, curveState } from './curve.ts';
import { drawFigure } from './figure.ts';
import { groupCurves } from './group-curves.ts';
import { formatValue } from './legend.ts';
import { optionsSchema } from './options.ts';

/** Draws the curves of all scalars as one SVG picture in the run's folder, at the period and at the end. */
export const plots = definePlugin({
  name: '@hookline/plugin-plots',
  version: '0.1.0',
  description: 'loss and metric curves as one SVG picture',
  options: optionsSchema,
  after: ['timing', 'schedule', 'averaging', 'statistics', 'checkpointing', 'evaluation', 'metrics', 'stopping'],
  provides: ['writing'],
  // The first rank is enough, because all ranks have the same losses and metrics.
  ranks: 'first',
  requires: { storage: storageRef, output: outputRef, epochs: epochsRef },
  setup({ hooks, storage, output, epochs }, { period, file, title, points, exclude }) {
    const isPeriodOver = epochs.every(period, 'period');
    const reader = storage.reader();
    const excluded = new Set(exclude);
    let curves = new Map<string, { curve: Curve; smoothing: boolean }>();
    let end = 0;
    let drawnAt = -1;

    const absorb = async (): Promise<boolean> => {
      await storage.resolve();
      const { scalars } = reader.read();
      for (const { name, value, iteration, smoothing } of scalars) {
        if (excluded.has(name)) continue;
        let entry = curves.get(name);
        if (entry === undefined) curves.set(name, (entry = { curve: new Curve(points), smoothing }));
        entry.curve.add(iteration, value);
      }
      return scalars.length > 0;
    };
    const draw = async (done: number): Promise<void> => {
      if (!(await absorb()) && drawnAt === done) return;
      drawnAt = done;
      const named = [...curves].map(([name, entry]) => ({ name, ...entry }));
      const loss = curves.get('total_loss')?.curve.last;
      const subtitle = [
        `${done} of ${end} iterations`,
        ...(loss === undefined ? [] : [`total loss ${formatValue(loss)}`]),
        ...named
          .filter(({ name, smoothing }) => !smoothing && name.includes('/'))
          .slice(0, 3)
          .map(({ name, curve }) => `${name} ${formatValue(curve.last)}`),
      ].join('  ·  ');
      const path = await output.file(file);
      try {
        await writeFileAtomically(path, drawFigure({ title, subtitle, panels: groupCurves(named) }));
      } catch (cause) {
        throw new HooklineError('HKL_PLOT_FAILED', `cannot write ${path}: ${describeCause(cause)}`, {
          who: '@hookline/plugin-plots',
          fix: 'Make room, or change the option file',
          cause,
        });
      }
    };

    hooks.beforeTrain.tap(({ maxIterations }) => void (end = maxIterations));
    hooks.afterStep.tap(({ iteration }) => (isPeriodOver(iteration + 1) ? draw(iteration + 1) : undefined));
    hooks.saveState.tap(async () => void (await absorb()));
    hooks.afterTrain.tap(({ iteration }) => draw(iteration));
    return {
      state: defineState({
        schema: z.record(z.string(), curveState.extend({ smoothing: z.boolean() })),
        optional: true,
        save: () =>
          Object.fromEntries(
            [...curves].map(([name, { curve, smoothing }]) => [name, { smoothing, ...curve.state() }]),
          ),
        load: (data) => {
          reader.skip();
          curves = new Map(
            Object.entries(data).map(([name, { smoothing, ...state }]) => [
              name,
              { smoothing, curve: Curve.restore(state, points) },
            ]),
          );
        },
        reset: () => {
          curves = new Map();
        },
      }),
      dispose: () => reader.close(),
    };
  },
});
