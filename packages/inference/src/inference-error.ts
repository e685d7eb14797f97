/** An error that says what is wrong with a model or a picture, with a stable code. */
export class InferenceError extends Error {
  /** Such as `HKL_INFERENCE_MODEL`. */
  readonly code: string;

  constructor(
    code: 'HKL_INFERENCE_MODEL' | 'HKL_INFERENCE_PICTURE' | 'HKL_INFERENCE_RUNTIME',
    message: string,
    cause?: unknown,
  ) {
    super(`[${code}] ${message}`, cause === undefined ? {} : { cause });
    this.name = 'InferenceError';
    this.code = code;
  }
}
