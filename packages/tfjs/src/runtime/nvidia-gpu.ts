import { runCommand } from './run-command.ts';

export interface NvidiaGpus {
  /** Names as the driver gives them; empty when there is none or no driver. */
  readonly names: readonly string[];
  /** Newest CUDA version that the driver supports, as `12.4`; `undefined` when unknown. */
  readonly cuda: string | undefined;
}

const QUERY_TIMEOUT_MS = 5_000;

/** Asks the NVIDIA driver, through `nvidia-smi`, which GPUs there are. Quick where it is not installed. */
export async function findNvidiaGpus(env: NodeJS.ProcessEnv = process.env): Promise<NvidiaGpus> {
  const options = { timeoutMs: QUERY_TIMEOUT_MS, env };
  const listed = await runCommand('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader'], options);
  if (!listed.ok) return { names: [], cuda: undefined };
  const names = listed.stdout
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const banner = names.length === 0 ? undefined : await runCommand('nvidia-smi', [], options);
  return { names, cuda: /CUDA Version:\s*([\d.]+)/.exec(banner?.stdout ?? '')?.[1] };
}

/** True when the environment hides every GPU from CUDA. */
export function hidesGpus(env: NodeJS.ProcessEnv = process.env): boolean {
  const visible = env['CUDA_VISIBLE_DEVICES'];
  return visible !== undefined && (visible.trim() === '' || visible.trim().startsWith('-'));
}
