import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readProcessor } from './processor.ts';

describe('readProcessor', () => {
  it('reads what Linux reports, and nothing when there is no such file', () => {
    const file = join(temporaryFolder(), 'cpuinfo');
    const lines = [
      'processor\t: 0',
      'vendor_id\t: GenuineIntel',
      'flags\t\t: fpu avx512_bf16 amx_tile',
      'bugs\t\t:',
      '',
    ];
    writeFileSync(file, lines.join('\n'));
    const { cpuFlags, cpuVendor } = readProcessor(file);
    expect([...cpuFlags]).toEqual(['fpu', 'avx512_bf16', 'amx_tile']);
    expect(cpuVendor).toBe('GenuineIntel');
    expect(readProcessor(`${file}.none`)).toEqual({ cpuFlags: new Set() });
  });
});
