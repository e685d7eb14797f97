import { createRequire } from 'node:module';
import type tf from '#tfjs';

/** tfjs's functions that draw random numbers. */
const NAMES = [
  'dropout',
  'multinomial',
  'randomGamma',
  'randomNormal',
  'randomStandardNormal',
  'randomUniform',
  'randomUniformInt',
  'truncatedNormal',
] as const;

export type RandomOpName = (typeof NAMES)[number];
type Core = Pick<typeof tf, RandomOpName>;

/** Replacements for tfjs's functions inside a step. When one returns undefined, tfjs's own function runs. */
export type RandomOps = {
  readonly [Name in RandomOpName]?: (...args: Parameters<Core[Name]>) => ReturnType<Core[Name]> | undefined;
};

let ops: RandomOps = {};

/** Runs `body` with these functions in place of tfjs's. */
export function withRandomOps<T>(inStep: RandomOps, body: () => T): T {
  const before = ops;
  ops = inStep;
  try {
    return body();
  } finally {
    ops = before;
  }
}

const DISPATCHES = Symbol.for('hookline.randomOps');

/**
 * Replaces functions in tfjs-core's module object with ones that consult `ops` first. tf.layers calls tfjs through that
 * object. A module that imports tfjs gets the functions present at the first import, so this file must be evaluated
 * before that import. It therefore imports no value from tfjs itself.
 */
function install(): void {
  const here = createRequire(import.meta.url);
  const core = createRequire(here.resolve('@tensorflow/tfjs'))('@tensorflow/tfjs-core') as Record<string, unknown>;
  if (DISPATCHES in core) return;
  Object.defineProperty(core, DISPATCHES, { value: true });
  for (const name of NAMES) {
    const original = core[name] as (...args: unknown[]) => unknown;
    core[name] = (...args: unknown[]): unknown =>
      (ops[name] as ((...args: unknown[]) => unknown) | undefined)?.(...args) ?? original(...args);
  }
}

install();
