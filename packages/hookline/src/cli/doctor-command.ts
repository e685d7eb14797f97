import { diagnose, formatDiagnosis } from '@hookline/tfjs';
import type { CommandLine } from './command-line.ts';
import { EXIT } from './exit-status.ts';

/** `hookline doctor`. @returns the exit status */
export async function doctor({ flag }: CommandLine): Promise<number> {
  const diagnosis = await diagnose();
  console.log(flag.json ? JSON.stringify(diagnosis, undefined, 2) : formatDiagnosis(diagnosis));
  return EXIT.ok;
}
