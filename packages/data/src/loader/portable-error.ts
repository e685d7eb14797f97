import { HooklineError, type ErrorDetails } from '@hookline/core';

/** A Hookline error that keeps its parts, so that it can be rebuilt completely in another thread. */
export class PortableError extends HooklineError {
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
  /** The parts of a {@link PortableError}; undefined for other errors. */
  readonly parts?: { readonly code: string; readonly what: string; readonly details: ErrorDetails } | undefined;
  readonly cause?: PlainError | undefined;
}

/** Converts an error and its causes to plain data, to be sent to another thread. */
export function packError(error: unknown): PlainError {
  const { name, message, stack, cause } = error instanceof Error ? error : new Error(String(error));
  const plain = { name, message, stack, cause: cause === undefined ? undefined : packError(cause) };
  if (!(error instanceof PortableError)) return plain;
  const { code, what, who, where, fix } = error;
  return { ...plain, parts: { code, what, details: { who, where, fix } } };
}

/** Rebuilds an error from another thread. Stacks are those of that thread. */
export function unpackError({ name, message, stack, parts, cause: packed }: PlainError): Error {
  const cause = packed === undefined ? undefined : unpackError(packed);
  if (parts !== undefined) return new PortableError(parts.code, parts.what, { ...parts.details, cause });
  return Object.assign(new Error(message, cause === undefined ? {} : { cause }), { name, stack });
}
