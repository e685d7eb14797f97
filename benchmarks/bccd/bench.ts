import { join } from 'node:path';
import { figure, listArgument, type BenchmarkArgs, type BenchmarkResult, type Figure } from '../lib/index.ts';
import { restorePreciseBn } from './precise-bn.ts';
import { trainOnce, type Training } from './train-once.ts';

/** The config values in which the contestants differ. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  captured: ['capture=required', 'precision=float32'],
  captured_bf16: ['capture=required', 'precision=bfloat16'],
  eager: ['capture=off', 'precision=float32'],
};

/**
 * Trains the BCCD example from scratch with several seeds, with captured and with eager steps. Reports the AP, the minutes
 * of steps, the AP with test-time augmentation, and the AP with the batch-norm statistics recomputed by PreciseBN.
 *
 * Options: `--data FOLDER` with BCCD in VOC's format (required), `--kinds captured,eager`, `--seeds 3`,
 * `--iterations 1700`.
 */
export default async function bccd(args: BenchmarkArgs, folder: string): Promise<BenchmarkResult> {
  const root = args['data'];
  if (typeof root !== 'string') throw new Error('which data? --data FOLDER, a folder with BCCD in the format of VOC');
  const kinds = listArgument(args['kinds']) ?? Object.keys(KINDS);
  const seeds = typeof args['seeds'] === 'number' ? args['seeds'] : args.quick ? 1 : 3;
  const iterations = typeof args['iterations'] === 'number' ? args['iterations'] : args.quick ? 300 : undefined;
  const found = new Map<string, Training[]>(kinds.map((kind) => [kind, []]));
  const notes: string[] = [];
  const settings = [`data.root=${root}`, ...(iterations === undefined ? [] : [`solver.maxIterations=${iterations}`])];
  let restored: Awaited<ReturnType<typeof restorePreciseBn>> | undefined;
  for (let seed = 1; seed <= seeds; seed++) {
    for (const kind of kinds) {
      const output = join(folder, `${kind}-${seed}`);
      const set = [...settings, `seed=${seed}`, ...(KINDS[kind] ?? unknownKind(kind))];
      const training = await trainOnce(output, set);
      found.get(kind)?.push(training);
      notes.push(`${kind}, seed ${seed}: AP ${curveOf(training)}`);
      restored ??= await restorePreciseBn(output, set);
    }
  }
  const figures: Record<string, Figure> = {};
  for (const [kind, trainings] of found) {
    const of = (pick: (training: Training) => number, unit: string): Figure => figure(trainings.map(pick), unit);
    figures[`${kind}.AP`] = of(({ results }) => results['bbox/AP'] ?? NaN, 'AP');
    figures[`${kind}.AP50`] = of(({ results }) => results['bbox/AP50'] ?? NaN, 'AP');
    figures[`${kind}.AP_TTA`] = of(({ results }) => results['bbox_TTA/AP'] ?? NaN, 'AP');
    figures[`${kind}.AP50_TTA`] = of(({ results }) => results['bbox_TTA/AP50'] ?? NaN, 'AP');
    figures[`${kind}.minutes`] = of(({ minutes }) => minutes, 'min');
    figures[`${kind}.step`] = of(({ step }) => step * 1000, 'ms');
    figures[`${kind}.waiting`] = of(({ waiting }) => waiting * 100, '%');
  }
  for (const [name, value] of Object.entries(restored ?? {})) figures[`precise_bn.${name}`] = figure([value], 'AP');
  return {
    figures,
    notes: [
      'minutes: of steps, without evaluations; step: their median; waiting: share of the steps that waited for data',
      'precise_bn: AP of the first training, with its batch-norm statistics reset, and after PreciseBN on training batches',
      ...notes,
    ],
  };
}

const curveOf = ({ curve }: Training): string =>
  curve.map(({ minutes, ap }) => `${ap.toFixed(1)} at ${minutes.toFixed(1)} min`).join(', ');

function unknownKind(kind: string): never {
  throw new RangeError(`there is no kind "${kind}": ${Object.keys(KINDS).join(', ')}`);
}
