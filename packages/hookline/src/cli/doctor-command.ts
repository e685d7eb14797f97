import { diagnose, formatDiagnosis } from '@hookline/native-runtime';
import { checkDeviceRequest, chooseOneDnn, choosePrecision, readProcessor } from '@hookline/tfjs';
import type { CommandLine } from './command-line.ts';
import { EXIT } from './exit-status.ts';
import { diagnoseRanks } from './launch/describe-ranks.ts';
import { print } from './print.ts';

/** `hookline doctor`. @returns the exit status @throws HooklineError `HKL_UNKNOWN_DEVICE` if HOOKLINE_DEVICE names none */
export async function doctor({ flag }: CommandLine): Promise<number> {
  checkDeviceRequest(process.env['HOOKLINE_DEVICE'] || 'auto', 'HOOKLINE_DEVICE');
  const diagnosis = await diagnose();
  // Ask about the processor; whether there is a GPU does not matter for this line.
  const processor = readProcessor();
  const { precision, reason } = choosePrecision('auto', { usesGpu: false, ...processor });
  const bfloat16 = { gains: precision === 'bfloat16', reason };
  const oneDnn = chooseOneDnn(processor, process.arch, process.env);
  const ranks = diagnoseRanks();
  const lines = [
    formatDiagnosis(diagnosis),
    `oneDNN    ${oneDnn.isOn === undefined ? '' : oneDnn.isOn ? 'on: ' : 'off: '}${oneDnn.reason}`,
    `ranks     ${ranks.isPossible ? 'several processes can train together: ' : 'one process at a time: '}${ranks.reason}`,
    `bfloat16  ${bfloat16.gains ? 'faster' : 'not faster'} on this processor: ${reason}`,
  ];
  print(flag.json ? JSON.stringify({ ...diagnosis, oneDnn, bfloat16, ranks }, undefined, 2) : lines.join('\n'));
  return EXIT.ok;
}
