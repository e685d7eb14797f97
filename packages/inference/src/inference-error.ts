/** An error about a model, a picture or an option, with a stable code. */
export class InferenceError extends Error {
  /** Code of the error, such as `HKL_INFERENCE_MODEL`. */
  readonly code: string;

  constructor(
    code: 'HKL_INFERENCE_MODEL' | 'HKL_INFERENCE_OPTION' | 'HKL_INFERENCE_PICTURE' | 'HKL_INFERENCE_RUNTIME',
    message: string,
    cause?: unknown,
  ) {
    super(`[${code}] ${message}`, cause === undefined ? {} : { cause });
    this.name = 'InferenceError';
    this.code = code;
  }
}

/** Refuses options with a misspelt name. @throws InferenceError `HKL_INFERENCE_OPTION` */
export function assertKnownOptions(who: string, options: object, known: Readonly<Record<string, true>>): void {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(known, name));
  if (unknown === undefined) return;
  const names = Object.keys(known).join(', ');
  throw new InferenceError('HKL_INFERENCE_OPTION', `${who} has no option "${unknown}"; its options are: ${names}`);
}
