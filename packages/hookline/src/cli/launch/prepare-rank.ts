import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type Communicator, HooklineError } from '@hookline/core';

/** Position of a rank among those on its machine. */
type RankPlace = Pick<Communicator, 'rank' | 'localRank' | 'localSize'>;

/** Resources of a machine; tests pass their own. */
export interface MachineParts {
  /** Number of processor cores that this process may use. */
  readonly cores: number;
  /** Number of NVIDIA GPUs. */
  readonly gpus: number;
}

/**
 * Gives a rank its share of the machine, by environment variables that TensorFlow reads when it is loaded: a share of
 * the cores, and one GPU if there are any. Variables that are already set are kept.
 *
 * @returns lines that say what was set
 * @throws HooklineError `HKL_RANK_GPUS` if this machine has more ranks than GPUs
 */
export function shareMachine(
  place: RankPlace,
  env: NodeJS.ProcessEnv = process.env,
  { cores, gpus }: MachineParts = { cores: availableParallelism(), gpus: countGpus() },
): readonly string[] {
  const { localRank, localSize } = place;
  const lines: string[] = [];
  const whom = localSize === 1 ? 'the rank' : `each of the ${localSize} ranks`;
  if (env['TF_NUM_INTRAOP_THREADS'] === undefined) {
    // Slurm gives the number of cores per task, and usually binds the task to them.
    const ofSlurm = Number(env['SLURM_CPUS_PER_TASK'] ?? 0);
    const threads = ofSlurm > 0 ? ofSlurm : Math.max(1, Math.floor(cores / localSize));
    env['TF_NUM_INTRAOP_THREADS'] = String(threads);
    env['TF_NUM_INTEROP_THREADS'] ??= String(threads);
    lines.push(`${threads} ${threads === 1 ? 'thread' : 'threads'} for ${whom} on this machine`);
  }
  const visible = env['CUDA_VISIBLE_DEVICES']?.split(',').filter((each) => each.trim() !== '');
  const devices = visible ?? Array.from({ length: gpus }, (_, index) => String(index));
  // Nothing to do if a job manager has already assigned the GPUs, or if there are none.
  if (devices.length === 0 || (visible?.length === 1 && localSize > 1)) return lines;
  if (localSize > devices.length) throw tooFewGpus(place, devices.length);
  env['CUDA_VISIBLE_DEVICES'] = devices[localRank];
  lines.push(`a GPU for ${whom} on this machine`);
  return lines;
}

function countGpus(): number {
  try {
    return readdirSync('/dev').filter((name) => /^nvidia\d+$/.test(name)).length;
  } catch {
    return 0;
  }
}

function tooFewGpus({ localSize, rank }: RankPlace, gpus: number): HooklineError {
  return new HooklineError('HKL_RANK_GPUS', `${localSize} ranks would share ${gpus} GPUs of one machine`, {
    who: `rank ${rank}`,
    fix: `Start at most ${gpus} ranks on each machine, or train on its processor: --device cpu with CUDA_VISIBLE_DEVICES= set to nothing`,
  });
}
