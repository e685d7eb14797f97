import { join } from 'node:path';
import { ConsoleLogger } from 'hookline';
import bccd from '../../examples/detection/bccd.ts';
import scenes from '../../examples/scenes/trainer.ts';
import { figure, type BenchmarkArgs, type BenchmarkResult, type Figure } from '../lib/index.ts';

/** Channels of both networks. */
const WIDTH = 24;
/** Whether a training starts from the weights learned on scenes. */
const KINDS = { scratch: false, pretrained: true } as const;

interface Point {
  readonly iteration: number;
  readonly ap: number;
  readonly ap50: number;
}

/**
 * Compares the AP by iteration of two detectors on BCCD: one trained from scratch, one that starts from the weights of a training on the drawn
 * scenes. The classification layer has other classes and is initialised at random in both.
 *
 * Options: `--data FOLDER` with BCCD in VOC's format (required), `--scenes 1000` and `--iterations 600`, the iterations on scenes and on BCCD,
 * `--every 100`, the iterations between evaluations, `--seeds 1`.
 */
export default async function pretrained(args: BenchmarkArgs, folder: string): Promise<BenchmarkResult> {
  const root = args['data'];
  if (typeof root !== 'string') throw new Error('which data? --data FOLDER, a folder with BCCD in the format of VOC');
  const whole = (name: string, otherwise: number): number => (typeof args[name] === 'number' ? args[name] : otherwise);
  const [first, iterations] = [whole('scenes', args.quick ? 200 : 1000), whole('iterations', args.quick ? 200 : 600)];
  const [every, seeds] = [whole('every', 100), whole('seeds', 1)];
  const figures: Record<string, Figure> = {};
  const notes = [`${first} iterations on scenes, then ${iterations} on BCCD, ${WIDTH} channels`];
  const output = join(folder, 'scenes');
  const learned = await train(scenes, output, [
    `data.root=${join(folder, 'drawn')}`,
    `model.width=${WIDTH}`,
    `solver.maxIterations=${first}`,
    'test.evalPeriod=0',
    'checkpoint.best=',
  ]);
  notes.push(`scenes: ${described(learned)}`);
  const weights = join(output, 'model_final.safetensors');
  const found: Record<keyof typeof KINDS, Point[][]> = { scratch: [], pretrained: [] };
  for (let seed = 1; seed <= seeds; seed++) {
    for (const [kind, isPretrained] of Object.entries(KINDS) as [keyof typeof KINDS, boolean][]) {
      const curve = await train(bccd, join(folder, `${kind}-${seed}`), [
        `data.root=${root}`,
        `seed=${seed}`,
        `model.width=${WIDTH}`,
        `solver.maxIterations=${iterations}`,
        `test.evalPeriod=${every}`,
        'test.aug.enabled=false',
        'checkpoint.best=',
        ...(isPretrained ? [`model.weights=${weights}`] : []),
      ]);
      found[kind].push(curve);
      notes.push(`${kind}, seed ${seed}: ${described(curve)}`);
    }
  }
  for (const [kind, curves] of Object.entries(found)) {
    for (const [place, { iteration }] of (curves[0] ?? []).entries()) {
      const values = curves.map((curve) => (curve[place] as Point).ap);
      figures[`${kind}.AP.${iteration + 1}`] = figure(values, 'AP');
    }
  }
  return { figures, notes };
}

type Definition = Pick<typeof bccd, 'create'> | Pick<typeof scenes, 'create'>;

/** Trains once. @returns the results by iteration */
async function train(definition: Definition, output: string, set: readonly string[]): Promise<Point[]> {
  const quiet = ['test.pictures=false', 'writers.tensorboard=false', 'writers.plots=false'];
  const trainer = definition.create({ output, set: [...set, ...quiet], logger: new ConsoleLogger({ level: 'warn' }) });
  try {
    await trainer.resumeOrLoad({ resume: false });
    await trainer.train();
    const at = (name: string) => trainer.storage.history(name).values();
    const fifty = new Map(at('bbox/AP50').map(({ iteration, value }) => [iteration, value]));
    return at('bbox/AP').map(({ iteration, value }) => ({ iteration, ap: value, ap50: fifty.get(iteration) ?? NaN }));
  } finally {
    await trainer.dispose();
  }
}

const described = (curve: readonly Point[]): string =>
  curve.map(({ iteration, ap, ap50 }) => `AP ${ap.toFixed(1)}, AP50 ${ap50.toFixed(1)} at ${iteration + 1}`).join('; ');
