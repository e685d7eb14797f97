import type { StandardSchemaV1 } from '@standard-schema/spec';
import { HooklineError } from '../errors.ts';

/** Whose data are being checked, for the error. */
export interface StateOrigin {
  /** The plugin, or the part of the engine, that saved the data. */
  readonly who: string;
  /** Key of the entry in the checkpoint. */
  readonly entry: string;
  /** The file. */
  readonly source: string;
}

/**
 * Validates saved data with a schema and returns its output.
 *
 * @throws HooklineError `HKL_STATE_INVALID` that names plugin, file, entry and each field that does not fit
 */
export function checkState<S extends StandardSchemaV1>(
  schema: S,
  data: unknown,
  origin: StateOrigin,
): StandardSchemaV1.InferOutput<S> {
  const result = schema['~standard'].validate(data);
  if (result instanceof Promise) {
    result.catch(() => undefined);
    throw invalidState('its schema validates asynchronously, and nobody awaits it', origin);
  }
  if (result.issues === undefined) return result.value;
  throw invalidState(result.issues.map(describeIssue).join('; '), origin, result.issues);
}

/** The error for an entry that does not fit. */
export function invalidState(what: string, { who, entry, source }: StateOrigin, cause?: unknown): HooklineError {
  return new HooklineError('HKL_STATE_INVALID', `its state in ${source} does not fit: ${what}`, {
    who,
    where: `entry ${entry}`,
    fix: "Resume from another checkpoint, with the plugin's version and options of that run, or begin anew from the weights alone: load(file, 'weights')",
    cause,
  });
}

function describeIssue({ path = [], message }: StandardSchemaV1.Issue): string {
  const keys = path.map((segment) => String(typeof segment === 'object' ? segment.key : segment));
  return keys.length === 0 ? `the whole of it: ${message}` : `field "${keys.join('.')}": ${message}`;
}
