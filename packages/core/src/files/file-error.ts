import { describeCause, HooklineError, isHooklineError } from '../errors.ts';

/** System error codes for a file or folder that cannot be written or cannot exist. */
const UNWRITABLE = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOTDIR',
  'ENOENT',
  'EISDIR',
  'EEXIST',
  'ENAMETOOLONG',
  'ELOOP',
]);
const NO_SPACE = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** The system's code of an error, such as `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

/**
 * The error for a failed write of `path`: HKL_DISK_FULL, HKL_UNWRITABLE or HKL_WRITE_FAILED. A HooklineError is
 * returned as it is.
 */
export function writeError(path: string, cause: unknown): HooklineError {
  if (isHooklineError(cause)) return cause;
  const code = systemCode(cause) ?? '';
  if (NO_SPACE.has(code)) {
    return new HooklineError('HKL_DISK_FULL', `there is no room to write it (${code})`, {
      who: path,
      fix: 'Free space or raise the limit; nothing was left behind, and an older file of this name is untouched',
      cause,
    });
  }
  if (UNWRITABLE.has(code)) {
    return new HooklineError('HKL_UNWRITABLE', `it cannot be written (${code})`, {
      who: path,
      fix: 'Give a path in a folder that exists and may be written',
      cause,
    });
  }
  return new HooklineError('HKL_WRITE_FAILED', `writing failed: ${describeCause(cause)}`, {
    who: path,
    fix: 'Nothing was left behind, and an older file of this name is untouched; the cause below tells more',
    cause,
  });
}

/**
 * The error for a failed read of `path`: HKL_CHECKPOINT_MISSING or HKL_CHECKPOINT_UNREADABLE. A HooklineError is
 * returned as it is.
 */
export function readError(path: string, error: unknown): unknown {
  const code = systemCode(error);
  if (code === undefined || code.startsWith('HKL_')) return error;
  const missing = code === 'ENOENT' || code === 'ENOTDIR';
  const what = missing ? 'there is no such file' : `it cannot be read: ${describeCause(error)}`;
  return new HooklineError(missing ? 'HKL_CHECKPOINT_MISSING' : 'HKL_CHECKPOINT_UNREADABLE', what, {
    who: path,
    fix: missing ? 'Check the path, or train from scratch' : 'Give a file that may be read',
    cause: error,
  });
}
