import { readProcessor, type Processor } from './processor.ts';

/** Whether TensorFlow uses the kernels of oneDNN, with the reason as a phrase. */
export interface OneDnnChoice {
  /** Undefined when TensorFlow decides. */
  readonly isOn: boolean | undefined;
  readonly reason: string;
}

/** The environment variable that TensorFlow reads when its library is loaded. */
const ONEDNN_VARIABLE = 'TF_ENABLE_ONEDNN_OPTS';

/**
 * Decides whether to use oneDNN. TensorFlow enables it by default only with AVX-512 or AMX, although it speeds up
 * convolutions with AVX2 too. This is a fixed rule instead of a measurement at startup, which could differ when a
 * training is resumed. A value that the user has set in the environment takes precedence.
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
 * Sets the environment variables that TensorFlow reads when its library is loaded, unless the user has set them: oneDNN
 * as {@link chooseOneDnn} decides, and a log level that hides messages about oneDNN and the processor's instructions.
 */
export function setTensorFlowVariables(env: NodeJS.ProcessEnv): void {
  env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  if (chooseOneDnn(readProcessor(), process.arch, env).isOn === true) env[ONEDNN_VARIABLE] ||= '1';
}
