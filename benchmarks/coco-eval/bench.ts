import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cocoStats, evaluateCoco, summarizeCoco } from '@hookline/vision';
import { type BenchmarkArgs, type BenchmarkResult, type Figure, figure } from '../lib/index.ts';
import { makeScene } from './scene.ts';

/**
 * Compares the COCO evaluation with pycocotools on the same detections. Both are timed from objects in memory to the twelve metrics.
 *
 * Options: `--images 5000`, `--categories 80`, `--rounds 3`, `--python PATH` (a Python with pycocotools).
 */
export default async function cocoEval({ quick, ...args }: BenchmarkArgs, folder: string): Promise<BenchmarkResult> {
  const whole = (name: string, otherwise: number): number => (typeof args[name] === 'number' ? args[name] : otherwise);
  const images = whole('images', quick ? 500 : 5000);
  const rounds = whole('rounds', quick ? 1 : 3);
  const scene = makeScene({ images, categories: whole('categories', 80), objectsPerImage: 7, detectionsPerImage: 100 });
  const notes = [
    `${scene.truth.annotations.length} objects, ${scene.detections.length} detections in ${images} images`,
  ];
  const figures: Record<string, Figure> = {};

  let ours: readonly number[] = [];
  const times = Array.from({ length: rounds + 1 }, () => {
    const begin = performance.now();
    ours = cocoStats(summarizeCoco(evaluateCoco(scene.truth, scene.detections)));
    return (performance.now() - begin) / 1000;
  });
  figures['hookline'] = figure(times.slice(1), 's');

  const python =
    typeof args['python'] === 'string' ? args['python'] : (process.env['HOOKLINE_BENCH_PYTHON'] ?? 'python3');
  const theirs = await runPycocotools(python, scene, rounds, folder);
  if (theirs === undefined) {
    notes.push(`${python} has no pycocotools: its row is left out. To have it: pip install pycocotools, then --python`);
  } else {
    figures['pycocotools'] = figure(theirs.seconds, 's');
    const apart = Math.max(...theirs.stats.map((value, place) => Math.abs(value - (ours[place] ?? NaN))));
    notes.push(`largest difference of the twelve numbers: ${apart.toExponential(1)}`);
  }
  return { figures, notes };
}

async function runPycocotools(
  python: string,
  scene: ReturnType<typeof makeScene>,
  rounds: number,
  folder: string,
): Promise<{ seconds: number[]; stats: number[] } | undefined> {
  if (spawnSync(python, ['-c', 'import pycocotools']).status !== 0) return undefined;
  const file = join(folder, 'scene.json');
  await writeFile(file, JSON.stringify(scene));
  const worker = join(import.meta.dirname, 'pycocotools_worker.py');
  const { status, stdout, stderr } = spawnSync(python, [worker, file, String(rounds)], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`pycocotools failed: ${stderr}`);
  return JSON.parse(stdout) as { seconds: number[]; stats: number[] };
}
