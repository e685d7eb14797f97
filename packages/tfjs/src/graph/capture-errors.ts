import { describeCause, HooklineError, type ErrorDetails } from '@hookline/core';
import type { Origin } from './graph-record.ts';

/** Why a step cannot be captured. With `capture: 'auto'` it runs eagerly instead, with `'required'` it is an error. */
export type CaptureProblem =
  | 'HKL_CAPTURE_BACKEND'
  | 'HKL_CAPTURE_HOST_VALUE'
  | 'HKL_CAPTURE_CONTROL_FLOW'
  | 'HKL_CAPTURE_RANDOM_OP'
  | 'HKL_CAPTURE_DYNAMIC_SHAPE'
  | 'HKL_CAPTURE_UNSUPPORTED_OP'
  | 'HKL_CAPTURE_READ'
  | 'HKL_CAPTURE_EFFECT';

/** An error of capturing that names the tap that caused it, if there is one. */
export function captureError(code: CaptureProblem, what: string, origin: Origin, details: ErrorDetails): HooklineError {
  const error = new HooklineError(code, what, { ...whereOf(origin), ...details });
  SENTENCES.set(error, what);
  return error;
}

const SENTENCES = new WeakMap<HooklineError, string>();

/** The same error of capturing with a further sentence about what has happened. Its cause is the first error. */
export function withSentence(cause: HooklineError, sentence: string, fix = cause.fix): HooklineError {
  const what = `${SENTENCES.get(cause) ?? cause.message}. ${sentence}`;
  return new HooklineError(cause.code, what, { who: cause.who, where: cause.where, fix, cause });
}

/**
 * True if a graph has run with a value of the host that has changed since. Its results may have been wrong, and going on
 * eagerly would hide that.
 */
export const isTooLate = (error: unknown): boolean =>
  error instanceof HooklineError && error.cause instanceof HooklineError && error.code === error.cause.code;

/** True for an error that says that the step cannot be captured, also where a tap's error wraps it. */
export function isCaptureProblem(error: unknown): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    const { code } = current as { readonly code?: unknown };
    if (typeof code === 'string' && code.startsWith('HKL_CAPTURE_')) return true;
  }
  return false;
}

function whereOf({ plugin, hook, who }: Origin): ErrorDetails {
  if (who !== undefined) return { who, where: 'predict' };
  return { who: plugin ?? 'the train step', where: hook === undefined ? 'outside of any hook' : `hook ${hook}` };
}

/** An op without a kernel shows when the graph runs for the first time, before anything has been computed. */
export function withoutKernel(cause: unknown): unknown {
  const message = describeCause(cause);
  if (!/No OpKernel|OpKernel was registered|Could not find .*kernel/.test(message)) return cause;
  return captureError(
    'HKL_CAPTURE_UNSUPPORTED_OP',
    `TensorFlow cannot run the graph: ${message}`,
    {},
    {
      fix: 'Run this step with capture: "off", or with precision: "float32"',
      cause,
    },
  );
}

/** A random number made on the host, which would be the same at every run of the graph. */
export function drawsOnHost(origin: Origin, source = 'Math.random'): HooklineError {
  return captureError('HKL_CAPTURE_HOST_VALUE', `it draws a random number on the host (${source})`, origin, {
    fix: 'Draw from stepScope.random(name) or, in a model, scope.random(name). tf.randomNormal and the like draw in the graph where tfjs is imported from Hookline, or after it',
  });
}
