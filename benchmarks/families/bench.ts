import { selectDevice } from '@hookline/tfjs';
import {
  alternate,
  figure,
  listArgument,
  type BenchmarkArgs,
  type BenchmarkResult,
  type Figure,
} from '../lib/index.ts';
import { FAMILIES } from './families.ts';
import type { Family } from './family.ts';
import { difference, startFit, startTraining, type Training } from './training.ts';

/** Number of steps over which trainings are compared. */
const COMPARED = 20;
/** Least duration of a contestant's round in milliseconds. */
const ROUND = 40;

/**
 * Measures milliseconds per train step for many kinds of models, and how far captured training differs from eager training
 * and from `fit`:
 *
 * - `FAMILY.fit`: TensorFlow.js's `compile` and `trainOnBatch`, if they can compute the same
 * - `FAMILY.eager`, `FAMILY.captured`: Hookline's steps
 * - `FAMILY.equal`: the largest difference between captured and eager training, over the losses of 20 steps and the
 *   weights after them, relative to the larger of 1 and the value
 * - `FAMILY.equal_fit`: the same difference between the losses of captured steps and those of `fit`
 *
 * A family that cannot be captured has no `captured` figure; a note says why.
 *
 * Options: `--families lstm,gru`, `--rounds 7`.
 */
export default async function families(args: BenchmarkArgs): Promise<BenchmarkResult> {
  await selectDevice('auto');
  const wanted = listArgument(args['families']);
  const unknown = wanted?.find((name) => FAMILIES.every((family) => family.name !== name));
  if (unknown !== undefined) throw new RangeError(`there is no family "${unknown}"`);
  const rounds = typeof args['rounds'] === 'number' ? args['rounds'] : args.quick ? 2 : 7;
  const figures: Record<string, Figure> = {};
  const notes = [`differences over ${COMPARED} steps; times over ${rounds} rounds in turn`];
  for (const family of FAMILIES.filter(({ name }) => wanted?.includes(name) ?? true)) {
    const measured = await measure(family, rounds);
    Object.assign(figures, measured.figures);
    notes.push(...measured.notes);
  }
  return { figures, notes };
}

async function measure(family: Family, rounds: number): Promise<Required<BenchmarkResult>> {
  const { name } = family;
  const figures: Record<string, Figure> = {};
  const notes: string[] = [];
  const trainings = {
    fit: startFit(family),
    eager: startTraining(family, 'off'),
    captured: startTraining(family, 'auto'),
  };
  const { fit, eager, captured } = trainings;
  const losses = { fit: [] as number[], eager: [] as number[], captured: [] as number[] };
  for (let step = 0; step < COMPARED; step++) {
    for (const kind of ['fit', 'eager', 'captured'] as const) {
      const training = trainings[kind];
      if (training !== undefined) losses[kind].push(await training.step());
    }
  }
  const apart = Math.max(difference(losses.captured, losses.eager), difference(captured.values(), eager.values()));
  figures[`${name}.equal`] = figure([apart], 'relative');
  if (fit !== undefined) figures[`${name}.equal_fit`] = figure([difference(losses.captured, losses.fit)], 'relative');
  const contestants: Record<string, () => Promise<number>> = {};
  for (const [kind, training] of Object.entries(trainings)) {
    if (training !== undefined && !(kind === 'captured' && captured.reason !== undefined))
      contestants[`${name}.${kind}`] = await round(training);
  }
  const contest = await alternate(contestants, { rounds });
  Object.assign(figures, contest.figures);
  if (captured.reason !== undefined) notes.push(`${name}: eager, since it cannot be captured: ${captured.reason}`);
  const [ours, theirs] = [`${name}.captured`, `${name}.eager`].map((label) => contest.figures[label]?.median);
  if (ours !== undefined && theirs !== undefined)
    notes.push(`${name}: captured ${(theirs / ours).toFixed(1)} times as fast as eager`);
  for (const training of Object.values(trainings)) await training?.close();
  return { figures, notes };
}

/** Makes a round with enough steps to last {@link ROUND} milliseconds. */
async function round(training: Training): Promise<() => Promise<number>> {
  const begin = performance.now();
  await training.step();
  const steps = Math.max(1, Math.ceil(ROUND / (performance.now() - begin)));
  return async () => {
    const start = performance.now();
    for (let step = 0; step < steps; step++) await training.step();
    return (performance.now() - start) / steps;
  };
}
