import { HooklineError, type HostTensor } from '@hookline/core';
import tf from '#tfjs';

/** Options of {@link restoreVariables}. */
export interface RestoreOptions {
  /**
   * `true` to resume: every variable must have a tensor of its shape and dtype. `false` to start from other weights:
   * tensors that do not fit are skipped and reported.
   */
  readonly strict: boolean;
  /** The common prefix of the names in `tensors`; tensors without it are ignored. @default '' */
  readonly prefix?: string;
  /**
   * Whether NaN, and infinity in trainable variables, raise an error. `warn` loads them and adds a warning.
   *
   * @default true
   */
  readonly checkFinite?: boolean | 'warn';
  /** The origin of the tensors, for messages. */
  readonly source?: string;
  /** The remedy for tensors that do not fit, for the error. */
  readonly fix?: string;
}

/** A planned restore. */
export interface RestorePlan {
  readonly report: RestoreReport;
  /** Carries out the restore. */
  readonly apply: () => void;
}

/** A tensor that does not fit its variable. */
export interface Mismatch {
  readonly name: string;
  readonly found: string;
  readonly wanted: string;
}

/** The result of a restore. */
export interface RestoreReport {
  readonly loaded: readonly string[];
  /** Variables without a tensor. */
  readonly missing: readonly string[];
  /** Tensors without a variable. */
  readonly unexpected: readonly string[];
  /** Tensors skipped because of their shape or dtype. */
  readonly mismatched: readonly Mismatch[];
  /** Readable warnings for a log; empty when everything fitted. */
  readonly warnings: readonly string[];
}

/** The value of `allowMismatch` that permits loading NaN and infinity. */
export const NON_FINITE = 'non-finite';

/** The number of faults that an error lists: a network of another width causes hundreds of them, and a few suffice. */
const NAMED = 3;
/** The number of layers that an error lists of those that are missing or left over. */
const NAMED_LAYERS = 6;

/**
 * Loads tensors into the variables of the same names. All tensors are checked before the first variable changes, so an
 * error leaves everything unchanged.
 *
 * @throws HooklineError `HKL_STATE_MISMATCH` in strict mode, with the first faults and the number of further ones;
 * `HKL_STATE_NOT_FINITE` in both modes for NaN values, and for infinite values of trainable variables
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

/** Makes the checks of {@link restoreVariables}, with the same errors, and defers the change. */
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
  const named = (names: readonly string[]): string => groupNames(names, strict ? NAMED_LAYERS : Infinity);
  const warnings = [
    ...mismatched.map(({ name, found, wanted }) => `${name} is ${found} in the checkpoint but ${wanted} in the model`),
    ...(missing.length === 0 ? [] : [`not in the checkpoint: ${named(missing)}`]),
    ...(unexpected.length === 0 ? [] : [`not in the model: ${named(unexpected)}`]),
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
 * Describes the values that are not finite. State that is not trained may contain infinity on purpose, such as a mask
 * or the best value so far; NaN is always an error.
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
    // Copy the data: backends keep the array, and the caller may go on using it.
    variable.assign(tf.tensor(data.slice() as Float32Array, [...shape], variable.dtype));
  });
}

/** Abbreviates names by their common prefix: `conv1/{bias, kernel}, scale`. Of more than `most` prefixes, the others are counted. */
export function groupNames(names: Iterable<string>, most = Infinity): string {
  const groups = new Map<string, string[]>();
  for (const name of [...names].sort()) {
    const slash = name.lastIndexOf('/');
    const prefix = name.slice(0, slash + 1);
    const group = groups.get(prefix);
    if (group === undefined) groups.set(prefix, [name.slice(slash + 1)]);
    else group.push(name.slice(slash + 1));
  }
  const shown = [...groups]
    .slice(0, most)
    .map(([prefix, ends]) =>
      ends.length > 1 && prefix !== '' ? `${prefix}{${ends.join(', ')}}` : ends.map((end) => prefix + end).join(', '),
    )
    .join(', ');
  return groups.size > most ? `${shown}, and ${groups.size - most} more layers` : shown;
}
