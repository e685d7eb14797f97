import { readProcessor, type Processor } from './processor.ts';

/** Whether TensorFlow computes with the kernels of oneDNN, with the reason as a phrase. */
export interface OneDnnChoice {
  /** Undefined where it is left to TensorFlow. */
  readonly isOn: boolean | undefined;
  readonly reason: string;
}

/** The environment variable that TensorFlow reads when its library is loaded. */
const ONEDNN_VARIABLE = 'TF_ENABLE_ONEDNN_OPTS';

/**
 * Whether to compute with oneDNN. TensorFlow switches it on by itself only where it finds AVX-512 or AMX, although
 * convolutions gain from it with AVX2 too. A rule rather than a measurement at the start, which may come out differently
 * when a training is resumed. What the user has set in the environment holds.
 */
export function chooseOneDnn({ cpuFlags }: Processor, arch: string, env: NodeJS.ProcessEnv): OneDnnChoice {
  const own = env[ONEDNN_VARIABLE];
  if (own !== undefined && own !== '')
    return { isOn: own !== '0' && own.toLowerCase() !== 'false', reason: `${ONEDNN_VARIABLE} is ${own}` };
  if (arch !== 'x64' || cpuFlags.size === 0) return { isOn: undefined, reason: 'left to TensorFlow on this processor' };
  if (!cpuFlags.has('avx2')) return { isOn: undefined, reason: 'left to TensorFlow, since the processor has no avx2' };
  return { isOn: true, reason: `the processor has ${cpuFlags.has('avx512f') ? 'avx512f' : 'avx2'}` };
}

/**
 * Sets what TensorFlow reads from the environment when its library is loaded, where the user has not: oneDNN as
 * {@link chooseOneDnn} says, and no notes about it and about the processor's instructions, which help nobody here.
 */
export function setTensorFlowVariables(env: NodeJS.ProcessEnv): void {
  env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  if (chooseOneDnn(readProcessor(), process.arch, env).isOn === true) env[ONEDNN_VARIABLE] ||= '1';
}
