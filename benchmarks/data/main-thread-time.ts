import { readFileSync } from 'node:fs';

/** Type of `process.threadCpuUsage`, which Node 23.9 and later have. */
type ThreadCpuUsage = () => { readonly user: number; readonly system: number };

/**
 * Processor time of the main thread in milliseconds; call it in that thread. Unlike wall time, it excludes the time that a
 * step sleeps and the time that other processes take. Undefined if the system does not provide it.
 */
export function mainThreadTime(): number | undefined {
  const { threadCpuUsage } = process as { readonly threadCpuUsage?: ThreadCpuUsage };
  if (threadCpuUsage !== undefined) {
    const { user, system } = threadCpuUsage.call(process);
    return (user + system) / 1000;
  }
  try {
    const [nanoseconds] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
    return Number(nanoseconds) / 1e6;
  } catch {
    return undefined;
  }
}
