import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { compileRanksAddon } from '@hookline/native-runtime';
import { type BenchmarkArgs, type BenchmarkResult, type Figure, figure, listArgument, median } from '../lib/index.ts';
import { has, missing } from '../lib/python.ts';

const STEPS: Readonly<Record<string, number>> = { mlp: 200, convnet: 12, resnet18: 6, detector: 8 };
const SIZES: Readonly<Record<string, number>> = { '4kB': 4096, '1MB': 2 ** 20, '45MB': 45e6 };
const run = promisify(execFile);
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/**
 * Times train steps of four nets on one rank and on two (weak scaling): each rank has a whole batch and one thread. `NET.rank1` and `NET.rank2`
 * are milliseconds per step, and `NET.efficiency` is their ratio round by round. `allreduce.SIZE` is the all-reduce op alone, `mpi.SIZE` plain
 * MPI_Allreduce in C. If torch is installed, `NET.torch_ddp1`, `NET.torch_ddp2` and `NET.torch_efficiency` are the same with gloo.
 *
 * Options: `--nets mlp,convnet`, `--rounds 5`, `--python PATH`.
 */
export default async function dataParallel(args: BenchmarkArgs, folder: string): Promise<BenchmarkResult> {
  const { quick } = args;
  const notes: string[] = [];
  const built = await compileRanksAddon();
  if (built.value === undefined) return { figures: {}, notes: [`nothing is measured: ${built.detail}`] };
  notes.push(`${built.value.mpi}; one thread per rank`);
  const nets = listArgument(args['nets']) ?? Object.keys(STEPS);
  const jobs = nets.map((net) => `${net}=${Math.ceil((STEPS[net] ?? 5) / (quick ? 3 : 1))}`);
  const sizes = Object.values(SIZES).map(String);
  const rounds = quick ? 1 : Number(args['rounds'] ?? 5);
  const python =
    typeof args['python'] === 'string' ? args['python'] : (process.env['HOOKLINE_BENCH_PYTHON'] ?? 'python3');
  const hasTorch = has(python, 'torch');
  if (!hasTorch) notes.push(missing(python, 'torch'));
  const samples = new Map<string, number[]>();
  const note = (label: string, value: number | undefined): void => {
    if (value !== undefined) samples.set(label, [...(samples.get(label) ?? []), value]);
  };
  const plain = join(folder, 'allreduce');
  const compiled = spawnSync('mpicc', ['-O2', here('allreduce.c'), '-o', plain]).status === 0;
  if (!compiled) notes.push('plain MPI_Allreduce is left out: mpicc does not compile it');
  for (let round = 0; round < rounds; round++) {
    const ranks = (count: number, jobsOf: readonly string[]) =>
      onRanks(count, [process.execPath, '--import', 'tsx', here('rank-worker.ts'), ...jobsOf]);
    const one = await ranks(1, jobs);
    const two = await ranks(2, [...jobs, ...sizes]);
    const mpi = compiled ? await onRanks(2, [plain, ...sizes]) : {};
    for (const net of nets) {
      note(`${net}.rank1`, one[net]);
      note(`${net}.rank2`, two[net]);
    }
    for (const [label, bytes] of Object.entries(SIZES)) {
      note(`allreduce.${label}`, two[String(bytes)]);
      note(`mpi.${label}`, mpi[String(bytes)]);
    }
    for (const count of hasTorch ? [1, 2] : []) {
      const torch = await jsonOf(python, [here('ddp_worker.py'), String(count), ...jobs]);
      for (const net of nets) note(`${net}.torch_ddp${count}`, torch[net]);
    }
  }
  const figures: Record<string, Figure> = {};
  for (const [label, values] of samples) figures[label] = figure(values, 'ms');
  for (const net of nets) {
    for (const [label, before, after] of [
      ['efficiency', 'rank1', 'rank2'],
      ['torch_efficiency', 'torch_ddp1', 'torch_ddp2'],
    ] as const) {
      const [single = [], several = []] = [samples.get(`${net}.${before}`), samples.get(`${net}.${after}`)];
      const ratios = several.map((value, round) => (single[round] ?? NaN) / value);
      if (ratios.length === 0) continue;
      figures[`${net}.${label}`] = figure(ratios, 'ratio');
      notes.push(`${net}: ${label} ${median(ratios).toFixed(2)}`);
    }
  }
  return { figures, notes };
}

const ENV = {
  NODE_OPTIONS: '',
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  OMP_NUM_THREADS: '1',
  TF_NUM_INTRAOP_THREADS: '1',
  TF_NUM_INTEROP_THREADS: '1',
};

const onRanks = (count: number, command: readonly string[]): Promise<Record<string, number>> =>
  jsonOf('mpirun', ['-np', String(count), '--oversubscribe', ...command]);

/** Runs a program and parses the figures in its last line of output. */
async function jsonOf(command: string, args: readonly string[]): Promise<Record<string, number>> {
  const { stdout } = await run(command, args, { env: { ...process.env, ...ENV } });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Record<string, number>;
}
