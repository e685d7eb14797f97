import { readFileSync } from 'node:fs';

/** What the system tells of its processor. */
export interface Processor {
  /** Feature flags, as Linux names them; none where the system does not tell. */
  readonly cpuFlags: ReadonlySet<string>;
  /** Who made it, as Linux names it; undefined where the system does not tell. */
  readonly cpuVendor?: string | undefined;
}

/** What the system tells of its processor: on Linux its feature flags and who made it, elsewhere nothing. */
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
