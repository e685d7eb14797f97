import { describeCause, HooklineError, isError, isHooklineError } from './errors.ts';

/** An error as plain data, as it is sent to another thread or process. */
export interface PackedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  /** The code and the parts of a {@link HooklineError}; undefined for other errors. */
  readonly code?: string | undefined;
  readonly what?: string | undefined;
  readonly who?: string | undefined;
  readonly where?: string | undefined;
  readonly fix?: string | undefined;
  readonly cause?: PackedError | undefined;
}

/** How many causes are packed at most; those of an error may form a circle. */
const DEEPEST = 8;

/** Converts an error and its causes to plain data. */
export const packError = (error: unknown): PackedError => pack(error, DEEPEST);

function pack(error: unknown, depth: number): PackedError {
  const { name, message, stack = '', cause } = isError(error) ? error : new Error(describeCause(error));
  const below = cause === undefined || depth === 0 ? undefined : pack(cause, depth - 1);
  const plain = { name, message, stack, cause: below };
  if (!isHooklineError(error)) return plain;
  const { code, what, who, where, fix } = error;
  return { ...plain, code, what, who, where, fix };
}

/** Makes the error again that {@link packError} was given. The stacks are those of where it was thrown. */
export function unpackError({ name, message, stack, code, what, cause: packed, ...details }: PackedError): Error {
  const cause = packed && unpackError(packed);
  if (code !== undefined && what !== undefined)
    return Object.assign(new HooklineError(code, what, { ...details, cause }), { stack });
  const error = Object.assign(new Error(message, cause && { cause }), { name, stack });
  return code === undefined ? error : Object.assign(error, { code });
}
