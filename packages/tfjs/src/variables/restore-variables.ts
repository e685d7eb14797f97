import { HooklineError, type HostTensor } from '@hookline/core';
import tf from '#tfjs';
import { groupNames } from './group-names.ts';

/** Options of {@link restoreVariables}. */
export interface RestoreOptions {
  /**
   * `true` to resume: every variable must be there with its shape and type. `false` to begin from other weights: what
   * does not fit is skipped and reported.
   */
  readonly strict: boolean;
  /** What names in `tensors` begin with; tensors with other names are not looked at. @default '' */
  readonly prefix?: string;
  /**
   * Whether NaN, and infinity in trainable variables, are an error; `warn` loads them and says so among the warnings.
   *
   * @default true
   */
  readonly checkFinite?: boolean | 'warn';
  /** Where the tensors come from, for messages. */
  readonly source?: string;
  /** What to do about tensors that do not fit, for the error. */
  readonly fix?: string;
}

/** What a restore will do. */
export interface RestorePlan {
  readonly report: RestoreReport;
  /** Does it. */
  readonly apply: () => void;
}

/** A tensor that does not fit its variable. */
export interface Mismatch {
  readonly name: string;
  readonly found: string;
  readonly wanted: string;
}

/** What a restore did. */
export interface RestoreReport {
  readonly loaded: readonly string[];
  /** Variables without a tensor. */
  readonly missing: readonly string[];
  /** Tensors without a variable. */
  readonly unexpected: readonly string[];
  /** Skipped because of shape or type. */
  readonly mismatched: readonly Mismatch[];
  /** Warnings in words, for a log; empty when everything fitted. */
  readonly warnings: readonly string[];
}

/** What `allowMismatch` holds where NaN and infinity may be loaded. */
export const NON_FINITE = 'non-finite';

/** Faults that an error names: another width of a network is a fault of hundreds of tensors, and one says it. */
const NAMED = 3;

/**
 * Loads tensors into variables of the same names. All are checked before the first is changed, so that an error leaves
 * everything as it was.
 *
 * @throws HooklineError `HKL_STATE_MISMATCH` in strict mode, with the first faults and how many more there are;
 * `HKL_STATE_NOT_FINITE` in either for values that are NaN, and for trainable ones that are infinite
 */
export function restoreVariables(
  variables: ReadonlyMap<string, tf.Variable>,
  tensors: ReadonlyMap<string, HostTensor>,
  options: RestoreOptions,
): RestoreReport {
  const { report, apply } = planRestore(variables, tensors, options);
  apply();
  return report;
}

/** Checks what {@link restoreVariables} checks, and leaves the change for later. Same error. */
export function planRestore(
  variables: ReadonlyMap<string, tf.Variable>,
  tensors: ReadonlyMap<string, HostTensor>,
  { strict, prefix = '', checkFinite = true, source, fix }: RestoreOptions,
): RestorePlan {
  const loaded: string[] = [];
  const missing: string[] = [];
  const mismatched: Mismatch[] = [];
  for (const [name, variable] of variables) {
    const tensor = tensors.get(`${prefix}${name}`);
    if (tensor === undefined) missing.push(name);
    else if (describe(tensor) === describe(variable)) loaded.push(name);
    else mismatched.push({ name, found: describe(tensor), wanted: describe(variable) });
  }
  const unexpected = [...tensors.keys()]
    .filter((name) => name.startsWith(prefix) && !variables.has(name.slice(prefix.length)))
    .map((name) => name.slice(prefix.length));
  const warnings = [
    ...mismatched.map(({ name, found, wanted }) => `${name} is ${found} in the checkpoint but ${wanted} in the model`),
    ...(missing.length === 0 ? [] : [`not in the checkpoint: ${groupNames(missing)}`]),
    ...(unexpected.length === 0 ? [] : [`not in the model: ${groupNames(unexpected)}`]),
  ];
  if (strict && warnings.length > 0) {
    const rest = mismatched.length - NAMED;
    const told = rest > 0 ? warnings.toSpliced(NAMED, rest, `and so on, ${rest} more`) : warnings;
    throw new HooklineError('HKL_STATE_MISMATCH', `the checkpoint does not fit: ${told.join('; ')}`, {
      who: source,
      fix: fix ?? 'Resume with the model and optimizer that were saved, or load the weights alone',
    });
  }
  const bad = checkFinite
    ? notFinite(
        loaded.map((name) => [name, variables.get(name) as tf.Variable, tensors.get(`${prefix}${name}`) as HostTensor]),
      )
    : undefined;
  if (bad !== undefined && checkFinite !== 'warn') {
    throw new HooklineError('HKL_STATE_NOT_FINITE', `the checkpoint holds ${bad}`, {
      who: source,
      fix:
        'Load a checkpoint from before the training went wrong. Nothing has been changed. ' +
        `To load it all the same, to see or repair what is left, use load(file, { allowMismatch: ['${NON_FINITE}'] })`,
    });
  }
  if (bad !== undefined) warnings.push(`it holds ${bad}, as ${NON_FINITE} in allowMismatch lets it`);
  const report = { loaded, missing, unexpected, mismatched, warnings };
  const apply = (): void => {
    for (const name of loaded)
      assign(variables.get(name) as tf.Variable, tensors.get(`${prefix}${name}`) as HostTensor);
  };
  return { report, apply };
}

const describe = ({ dtype, shape }: { readonly dtype: string; readonly shape: readonly number[] }): string =>
  `${dtype} [${shape.join(', ')}]`;

/**
 * What is not finite, in words. State that is not trained may hold infinity on purpose, such as a mask or a best value so
 * far; NaN is never meant.
 */
function notFinite(
  loaded: readonly (readonly [name: string, variable: tf.Variable, tensor: HostTensor])[],
): string | undefined {
  const bad = loaded.flatMap(([name, { trainable }, { dtype, data }]) => {
    if (dtype !== 'float32') return [];
    const count = (data as Float32Array).reduce(
      (sum, value) => sum + Number(trainable ? !Number.isFinite(value) : Number.isNaN(value)),
      0,
    );
    return count === 0 ? [] : [`${name} (${count} of ${data.length})`];
  });
  if (bad.length === 0) return undefined;
  const rest = bad.length - NAMED;
  const named = bad.slice(0, NAMED).join(', ') + (rest > 0 ? `, and ${rest} more tensors` : '');
  return `NaN or infinity in ${named}`;
}

function assign(variable: tf.Variable, { data, shape }: HostTensor): void {
  tf.tidy(() => {
    // A copy: backends keep the array, and the caller may go on using it.
    variable.assign(tf.tensor(data.slice() as Float32Array, [...shape], variable.dtype));
  });
}
