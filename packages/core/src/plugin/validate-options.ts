import type { StandardSchemaV1 } from '@standard-schema/spec';
import { HooklineError } from '../errors.ts';
import { assertKnownNames } from '../known-options.ts';
import type { Plugin } from './plugin.ts';

/**
 * The options of a plugin after its schema, with defaults filled in.
 *
 * @throws HooklineError `HKL_OPTION_UNKNOWN`, `HKL_OPTION_INVALID`, `HKL_OPTIONS_ASYNC`
 */
export function validateOptions({ id, options, definition }: Plugin): unknown {
  const given = options ?? {};
  if (typeof given !== 'object' || Array.isArray(given)) {
    throw new HooklineError('HKL_OPTION_INVALID', `options must be an object, not ${JSON.stringify(options)}`, {
      who: id,
      fix: 'Give them by name: factory({ name: value })',
    });
  }
  const known = knownKeys(definition.options);
  if (known !== undefined) {
    assertKnownNames(given, known, (unknown, fix) => {
      return new HooklineError('HKL_OPTION_UNKNOWN', `it has no option "${unknown}"`, { who: id, fix });
    });
  }
  if (definition.options === undefined) return given;
  const result = definition.options['~standard'].validate(given);
  if (result instanceof Promise) {
    throw new HooklineError('HKL_OPTIONS_ASYNC', 'its option schema validates asynchronously', {
      who: id,
      fix: 'Use a synchronous schema and check the rest in beforeTrain',
    });
  }
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map((issue) => describeIssue(issue, given));
  throw new HooklineError('HKL_OPTION_INVALID', issues.join('; '), {
    who: id,
    where: 'options',
    fix: known === undefined ? undefined : `Its options are ${known.join(', ')}`,
    cause: result.issues,
  });
}

/** The keys of an object schema, where the library tells them (zod and valibot do); else undefined. */
function knownKeys(schema: StandardSchemaV1 | undefined): readonly string[] | undefined {
  if (schema === undefined) return [];
  const { shape, entries } = schema as { shape?: object; entries?: object };
  const fields = shape ?? entries;
  return typeof fields === 'object' ? Object.keys(fields) : undefined;
}

function describeIssue({ path = [], message }: StandardSchemaV1.Issue, given: object): string {
  const keys = path.map((segment) => (typeof segment === 'object' ? segment.key : segment));
  if (keys.length === 0) return message;
  const name = `option "${keys.map(String).join('.')}"`;
  const value = keys.reduce((at: unknown, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], given);
  return value === undefined ? `${name} is missing (${message})` : `${name}: ${message}`;
}
