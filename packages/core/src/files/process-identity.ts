import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Identifies a process among all others, on this machine and elsewhere, before and after a restart. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Identifies the boot of the machine and the container on it; empty where the system does not say. */
  readonly boot: string;
  /** When the process started, in the system's own unit, since process ids are reused. Empty where unknown. */
  readonly born: string;
}

/** This process. */
export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, host: hostname(), boot: bootOf(), born: bornAt(process.pid) };
}

/**
 * Whether a process still runs.
 *
 * @returns undefined where that cannot be known from here, as for a process on another machine or in another container
 */
export function isRunning({ pid, host, boot, born }: ProcessIdentity): boolean | undefined {
  if (host !== hostname()) return undefined;
  const own = bootOf();
  if (boot !== '' && own !== '') {
    const [start, container] = boot.split(' ');
    const [ownStart, ownContainer] = own.split(' ');
    // The machine has been restarted since.
    if (start !== ownStart) return false;
    if (container !== ownContainer) return undefined;
  }
  if (!isAlive(pid)) return false;
  const now = bornAt(pid);
  return born === '' || now === '' || born === now;
}

/** Whether this machine has any process with this id. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM means that the process exists and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** On Linux: the id of the boot, and the namespace of process ids, which differs between containers. */
function bootOf(): string {
  try {
    const start = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${start} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return '';
  }
}

function bornAt(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program, in brackets, may hold spaces and brackets; field 22 is the 20th after it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
