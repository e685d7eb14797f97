import { fileURLToPath } from 'node:url';
import {
  alternate,
  listArgument,
  median,
  type BenchmarkArgs,
  type BenchmarkResult,
  type Figure,
} from '../lib/index.ts';
import { NETS } from './nets.ts';
import { has, missing } from '../lib/python.ts';
import { Worker } from '../lib/worker.ts';

/** Number of consecutive steps per sample, enough to be far above the clock's resolution. */
const STEPS: Readonly<Record<string, number>> = { mlp: 300, convnet: 10, resnet18: 3, detector: 4 };

/** Runners of train steps. `unchecked` runs without the check that loss and gradients are finite. */
const OURS = ['eager', 'eager_unchecked', 'captured', 'captured_unchecked', 'captured_bf16'];

/** Runners of only the forward pass in eval mode. */
const OUR_PREDICTIONS = ['predict_eager', 'predict_captured'];
const TORCH_PREDICTIONS = ['eager', 'channels_last', 'compile', 'channels_last+compile'];

const TORCH_BEST = ['fused', 'fused+channels_last', 'fused+compile', 'fused+channels_last+compile'];

/**
 * Times one train step of four nets with every available runner in turn, on the same machine with the same batch size.
 * `predict_eager`, `predict_captured` and `torch_predict` time the forward pass in eval mode instead.
 *
 * Options: `--nets mlp,convnet`, `--runners captured,torch_eager`, `--rounds 15`, `--python PATH`.
 */
export default async function steps(args: BenchmarkArgs): Promise<BenchmarkResult> {
  const { quick } = args;
  const python =
    typeof args['python'] === 'string' ? args['python'] : (process.env['HOOKLINE_BENCH_PYTHON'] ?? 'python3');
  const notes: string[] = [];
  const wanted = listArgument(args['runners']);
  const commands = new Map<string, readonly [string, readonly string[]]>();
  for (const kind of ['tfjs_eager', 'fit', ...OURS, ...OUR_PREDICTIONS]) {
    commands.set(kind, [process.execPath, ['--import', 'tsx', here('tfjs-worker.ts'), kind]]);
  }
  if (has(python, 'torch')) {
    commands.set('torch_eager', [python, [here('torch_worker.py'), 'eager']]);
    for (const words of TORCH_BEST.filter((each) => !quick || !each.includes('compile'))) {
      commands.set(`torch_best:${words}`, [python, [here('torch_worker.py'), words]]);
      commands.set(`torch_best_bf16:${words}`, [python, [here('torch_worker.py'), `${words}+bf16`]]);
    }
    for (const words of TORCH_PREDICTIONS.filter((each) => !quick || !each.includes('compile'))) {
      commands.set(`torch_predict:${words}`, [python, [here('torch_worker.py'), `${words}+predict`]]);
    }
  } else notes.push(missing(python, 'torch'));
  if (has(python, 'tensorflow')) commands.set('tf_function', [python, [here('tf_worker.py')]]);
  else notes.push(missing(python, 'tensorflow'));

  const figures: Record<string, Figure> = {};
  const nets = listArgument(args['nets']) ?? NETS.map(({ name }) => name);
  for (const net of nets) {
    const workers = new Map<string, Worker>();
    for (const [label, [command, commandArgs]] of commands) {
      if (wanted === undefined || wanted.includes(kindOf(label))) workers.set(label, new Worker(command, commandArgs));
    }
    try {
      const measured = await contest(net, workers, args, notes);
      Object.assign(figures, measured);
    } finally {
      for (const worker of workers.values()) worker.close();
    }
  }
  return { figures, notes };
}

async function contest(net: string, workers: Map<string, Worker>, args: BenchmarkArgs, notes: string[]) {
  const count = Math.ceil((STEPS[net] ?? 5) / (args.quick ? 3 : 1));
  for (const [label, worker] of workers) {
    try {
      await worker.measure(net, 2);
    } catch (error) {
      notes.push(`${net}.${label} is left out: ${error instanceof Error ? error.message : String(error)}`);
      worker.close();
      workers.delete(label);
    }
  }
  const contestants = Object.fromEntries(
    [...workers].map(([label, worker]) => [label, () => worker.measure(net, count)]),
  );
  const rounds = typeof args['rounds'] === 'number' ? args['rounds'] : args.quick ? 3 : 15;
  const { figures, samples } = await alternate(contestants, { rounds, warmup: 1 });
  const found: Record<string, Figure> = {};
  for (const [label, figure] of Object.entries(figures)) {
    const kind = kindOf(label);
    const key = `${net}.${kind}`;
    if (found[key] !== undefined && found[key].median <= figure.median) continue;
    found[key] = figure;
  }
  for (const kind of ['torch_best', 'torch_best_bf16', 'torch_predict']) {
    const best = Object.keys(figures).find(
      (label) => kindOf(label) === kind && figures[label] === found[`${net}.${kind}`],
    );
    if (best !== undefined) notes.push(`${net}.${kind} is ${best.slice(kind.length + 1)}`);
  }
  const captured = samples['captured'];
  // Compare round by round, so that a slowdown of the machine affects both sides.
  const ratio = (theirs: readonly number[], ours: readonly number[]): string =>
    median(theirs.map((value, round) => value / (ours[round] ?? Number.NaN))).toFixed(2);
  const best = (kind: string): readonly number[] | undefined =>
    samples[
      Object.keys(figures).find((label) => kindOf(label) === kind && figures[label] === found[`${net}.${kind}`]) ?? kind
    ];
  for (const other of ['fit', 'tf_function', 'torch_eager', 'torch_best', 'captured_bf16']) {
    const theirs = best(other);
    if (captured === undefined || theirs === undefined) continue;
    notes.push(`${net}: ${other} takes ${ratio(theirs, captured)} times what captured takes`);
  }
  for (const other of ['predict_eager', 'torch_predict']) {
    const [theirs, ours] = [best(other), samples['predict_captured']];
    if (theirs === undefined || ours === undefined) continue;
    notes.push(`${net}: ${other} takes ${ratio(theirs, ours)} times what predict_captured takes`);
  }
  for (const kind of ['eager', 'captured']) {
    const [checked, unchecked] = [samples[kind], samples[`${kind}_unchecked`]];
    if (checked === undefined || unchecked === undefined) continue;
    notes.push(`${net}: ${kind} with the check takes ${ratio(checked, unchecked)} times what it takes without`);
  }
  return found;
}

const kindOf = (label: string): string => label.split(':')[0] as string;
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
