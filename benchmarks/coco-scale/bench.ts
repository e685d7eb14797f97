import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BenchmarkArgs, type BenchmarkResult, figure, type Figure } from '../lib/index.ts';
import { CLI, ROOT } from '../lib/command-line.ts';
import { has, missing } from '../lib/python.ts';
import { drawCoco } from './draw-coco.ts';

const [IMAGES, OBJECTS] = [118_287, 860_001];

/** The figures that a process prints about itself. */
interface Said {
  /** Processor time in seconds. */
  readonly seconds: number;
  /** Peak resident memory in megabytes. */
  readonly peak: number;
  /** Memory that the records occupy after reading, in megabytes. */
  readonly held?: number;
}

/**
 * Measures processor time in seconds, and memory, on a data set as large as COCO train2017: to read its annotations, compared
 * with Python's `json.load`, and from the start of `hookline train` to the first step.
 *
 * Options: `--images 118287`, `--rounds 3`, `--python PATH`, `--data FOLDER` to keep the data set (0.5 GB); it is drawn there
 * unless the folder has it already.
 */
export default async function cocoScale({ quick, ...args }: BenchmarkArgs, folder: string): Promise<BenchmarkResult> {
  const whole = (name: string, otherwise: number): number => (typeof args[name] === 'number' ? args[name] : otherwise);
  const images = whole('images', quick ? 2000 : IMAGES);
  const rounds = whole('rounds', quick ? 1 : 3);
  const python =
    typeof args['python'] === 'string' ? args['python'] : (process.env['HOOKLINE_BENCH_PYTHON'] ?? 'python3');
  const root = typeof args['data'] === 'string' ? args['data'] : join(folder, 'data');
  if (!existsSync(root)) await drawCoco(root, images, Math.round((images * OBJECTS) / IMAGES));
  const json = join(root, 'annotations', 'instances_train2017.json');
  const notes = [`${json} has ${((await stat(json)).size / 1e6).toFixed(0)} MB, for ${images} images`];
  const hasPython = has(python, 'json');
  if (!hasPython) notes.push(missing(python, 'json'));
  const said: Record<'read' | 'json_load' | 'first_step' | 'first_step_recipe', Said[]> = {
    read: [],
    json_load: [],
    first_step: [],
    first_step_recipe: [],
  };
  for (let round = 0; round < rounds; round++) {
    said.read.push(run(process.execPath, readArguments(json, join(root, 'train2017'))));
    if (hasPython) said.json_load.push(run(python, ['-c', JSON_LOAD, json]));
    said.first_step.push(firstStep(root, join(folder, `plain-${round}`), 0));
    said.first_step_recipe.push(firstStep(root, join(folder, `recipe-${round}`), 8));
  }
  const figures: Record<string, Figure> = {};
  for (const [label, processes] of Object.entries(said)) {
    if (processes.length === 0) continue;
    const of = (pick: (each: Said) => number, unit: string): Figure => figure(processes.map(pick), unit);
    figures[`${label}.cpu`] = of(({ seconds }) => seconds, 's');
    figures[`${label}.peak_memory`] = of(({ peak }) => peak, 'MB');
  }
  figures['read.held_memory'] = figure(
    said.read.map(({ held = NaN }) => held),
    'MB',
  );
  notes.push(
    'cpu: seconds of processor time of a process of its own, all threads together; for first_step from its start',
    'first_step: with the default sizes and schedule; first_step_recipe: a recipe for 8 minutes is chosen, for which steps are timed',
    'peak_memory: the largest resident memory of the process; held_memory: what the records keep',
  );
  return { figures, notes };
}

const JSON_LOAD = `
import json, resource, sys, time
begin = time.process_time()
data = json.load(open(sys.argv[1]))
seconds = time.process_time() - begin
print(json.dumps({"seconds": seconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3}))
`;

const readArguments = (json: string, images: string): string[] => [
  '--expose-gc',
  '--import',
  'tsx',
  fileURLToPath(new URL('read-worker.ts', import.meta.url)),
  json,
  images,
];

function firstStep(root: string, output: string, minutes: number): Said {
  const set = [`data.root=${root}`, `output=${output}`, `budget.minutes=${minutes}`].flatMap((each) => ['--set', each]);
  return run(process.execPath, [CLI, 'train', 'benchmarks/coco-scale/trainer-file.ts', ...set]);
}

/** Runs a process and parses the line of JSON that it prints. @throws Error if it prints none */
function run(command: string, args: readonly string[]): Said {
  const { stdout, stderr, status } = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 1e9 });
  const line = stdout.split('\n').find((each) => each.startsWith('{"seconds"'));
  if (line === undefined) throw new Error(`${command} ended with status ${status} and no figures: ${stderr}`);
  return JSON.parse(line) as Said;
}
