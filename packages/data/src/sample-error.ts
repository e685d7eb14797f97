import { HooklineError, type ErrorDetails } from '@hookline/core';

/** An error over one sample. It keeps its sentence apart, so that it can be raised again in another thread. */
export class SampleError extends HooklineError {
  readonly what: string;

  constructor(code: string, what: string, details: ErrorDetails) {
    super(code, what, details);
    this.what = what;
  }
}

/** An error as plain data. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Of a {@link SampleError}. */
  readonly sample?: { readonly code: string; readonly what: string; readonly details: ErrorDetails } | undefined;
  readonly cause?: PlainError | undefined;
}

/** An error for another thread. */
export function packError(error: unknown): PlainError {
  const { name, message, stack, cause } = error instanceof Error ? error : new Error(String(error));
  const plain = { name, message, stack, cause: cause === undefined ? undefined : packError(cause) };
  if (!(error instanceof SampleError)) return plain;
  const { code, what, who, where, fix } = error;
  return { ...plain, sample: { code, what, details: { who, where, fix } } };
}

/** The error of another thread. Its causes have the stacks that they had there. */
export function unpackError({ name, message, stack, sample, cause: packed }: PlainError): Error {
  const cause = packed === undefined ? undefined : unpackError(packed);
  if (sample !== undefined) return new SampleError(sample.code, sample.what, { ...sample.details, cause });
  return Object.assign(new Error(message, { cause }), { name, stack });
}
