import { readFileSync } from 'node:fs';

/** `process.threadCpuUsage` of Node 23.9 and later. */
type ThreadCpuUsage = () => { readonly user: number; readonly system: number };

/**
 * Milliseconds for which the main thread has run on a core; to be called in it. Unlike wall time it leaves out what a
 * step sleeps and what other processes take. Undefined where the system does not tell.
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
