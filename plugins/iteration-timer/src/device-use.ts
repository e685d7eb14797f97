import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';

const MICROSECONDS = 1e6;

interface Moment {
  /** Milliseconds of a monotonic clock. */
  readonly at: number;
  /** Processor time of this process so far, in microseconds. */
  readonly used: NodeJS.CpuUsage;
}

const now = (): Moment => ({ at: performance.now(), used: process.cpuUsage() });

/** Measures the share of the processor's cores that this process uses: its processor time divided by elapsed time and cores. */
export class CpuUse {
  readonly cores = availableParallelism();
  #began = now();
  #last = this.#began;

  /** Seconds since the last call of {@link CpuUse.percent}. */
  get secondsSince(): number {
    return (performance.now() - this.#last.at) / 1000;
  }

  /** @returns the share of all cores that was used since the last call, in percent */
  percent(): number {
    const moment = now();
    const share = this.#share(this.#last, moment);
    this.#last = moment;
    return share;
  }

  /** @returns the share of all cores that was used since this object was made, in percent */
  percentOfAll(): number {
    return this.#share(this.#began, now());
  }

  #share(from: Moment, to: Moment): number {
    const used = (to.used.user + to.used.system - from.used.user - from.used.system) / MICROSECONDS;
    const seconds = (to.at - from.at) / 1000;
    return seconds > 0 ? (100 * used) / (seconds * this.cores) : 0;
  }
}

/**
 * Asks `nvidia-smi` how busy the GPUs are that this process may use (`CUDA_VISIBLE_DEVICES`).
 *
 * @returns their mean in percent, as the driver measured it over the last sample period; undefined if there is no such GPU or tool
 */
export async function gpuPercent(signal: AbortSignal): Promise<number | undefined> {
  const visible = process.env['CUDA_VISIBLE_DEVICES']?.trim();
  if (visible !== undefined && !/^[\w,-]+$/.test(visible)) return undefined;
  const args = ['--query-gpu=utilization.gpu', '--format=csv,noheader,nounits'];
  if (visible !== undefined) args.push('-i', visible);
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', args, { signal, env: process.env });
    const values = stdout.trim().split('\n').map(Number);
    return values.some((value) => !Number.isFinite(value))
      ? undefined
      : values.reduce((sum, value) => sum + value, 0) / values.length;
  } catch {
    // There is no driver, or it does not report the use of the GPUs.
    return undefined;
  }
}
