import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { trainOnce, type Training } from '../bccd/train-once.ts';
import { figure, listArgument, type BenchmarkArgs, type BenchmarkResult, type Figure } from '../lib/index.ts';
import { drawSymbols } from './draw-symbols.ts';

const NONE = 'budget.minutes=0';
const input = (side: number): string[] => [`input.width=${side}`, `input.height=${side}`, 'input.window=160'];

/** Config values of the contestants, from the defaults to what the trainer file chooses, adding one change at a time. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  before: [NONE],
  windows: [NONE, ...input(432)],
  softmax: [NONE, ...input(432), 'model.softmaxWeight=1'],
  larger: [NONE, ...input(624), 'model.softmaxWeight=1'],
  chosen: [],
};

/**
 * Runs examples/detection/own-data.ts on drawn photos of cards, whose six symbols of about 40 pixels differ by one stroke: with
 * the default config, with one change added after the other, and with the config that the recipe chooses.
 *
 * Options: `--kinds before,chosen`, `--seeds 3`, `--minutes 8`, the budget of `chosen`, `--iterations N` for all kinds instead,
 * `--data FOLDER` to keep the photos; they are drawn there unless the folder has them already.
 */
export default async function symbols(args: BenchmarkArgs, folder: string): Promise<BenchmarkResult> {
  const number = (name: string): number | undefined => (typeof args[name] === 'number' ? args[name] : undefined);
  const kinds = listArgument(args['kinds']) ?? Object.keys(KINDS);
  const seeds = number('seeds') ?? (args.quick ? 1 : 3);
  const iterations = number('iterations') ?? (args.quick ? 200 : undefined);
  const root = typeof args['data'] === 'string' ? args['data'] : join(folder, 'data');
  if (!(await exists(root))) await drawSymbols(root);
  const settings = [
    `data.root=${root}`,
    `budget.minutes=${number('minutes') ?? 8}`,
    'test.evaluator=coco',
    ...(iterations === undefined
      ? []
      : [`solver.maxIterations=${iterations}`, `test.evalPeriod=${Math.ceil(iterations / 4)}`]),
  ];
  const found = new Map<string, Training[]>(kinds.map((kind) => [kind, []]));
  const notes: string[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    for (const kind of kinds) {
      const set = [...settings, `seed=${seed}`, ...(KINDS[kind] ?? unknownKind(kind))];
      const training = await trainOnce(join(folder, `${kind}-${seed}`), set, 'own-data.ts');
      found.get(kind)?.push(training);
      const curve = training.curve.map(({ minutes, ap }) => `${ap.toFixed(1)} at ${minutes.toFixed(1)} min`);
      notes.push(`${kind}, seed ${seed}: AP ${curve.join(', ')}`);
    }
  }
  const figures: Record<string, Figure> = {};
  for (const [kind, trainings] of found) {
    const of = (pick: (training: Training) => number, unit: string): Figure => figure(trainings.map(pick), unit);
    for (const metric of ['AP', 'AP50', 'AP75'])
      figures[`${kind}.${metric}`] = of(({ results }) => results[`bbox/${metric}`] ?? NaN, 'AP');
    figures[`${kind}.AP_TTA`] = of(({ results }) => results['bbox_TTA/AP'] ?? NaN, 'AP');
    figures[`${kind}.iterations`] = of((training) => training.iterations, '');
    figures[`${kind}.minutes`] = of(({ minutes }) => minutes, 'min');
    figures[`${kind}.step`] = of(({ step }) => step * 1000, 'ms');
  }
  return { figures, notes: ['minutes: of steps, without evaluations; step: their median', ...notes] };
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

function unknownKind(kind: string): never {
  throw new RangeError(`there is no kind "${kind}": ${Object.keys(KINDS).join(', ')}`);
}
