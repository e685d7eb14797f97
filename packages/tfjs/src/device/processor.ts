import { readFileSync } from 'node:fs';

/** What the operating system reports about its processor. */
export interface Processor {
  /** Feature flags, as Linux names them; empty when the system does not report them. */
  readonly cpuFlags: ReadonlySet<string>;
  /** The vendor, as Linux names it; undefined when the system does not report it. */
  readonly cpuVendor?: string | undefined;
}

/** Reads the processor's feature flags and vendor on Linux; on other systems the result is empty. */
export function readProcessor(file = '/proc/cpuinfo'): Processor {
  try {
    const text = readFileSync(file, 'utf8');
    const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1] ?? '';
    return {
      cpuFlags: new Set(flags.trim().split(/\s+/)),
      cpuVendor: /^vendor_id\s*:\s*(\S+)/m.exec(text)?.[1],
    };
  } catch {
    return { cpuFlags: new Set() };
  }
}
