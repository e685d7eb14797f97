import type { StandardSchemaV1 } from '@standard-schema/spec';
import satisfies from 'semver/functions/satisfies.js';
import validRange from 'semver/ranges/valid.js';
import { HooklineError } from '../errors.ts';
import { assertKnownNames } from '../known-options.ts';
import { ignoreRejection, isThenable } from '../thenable.ts';
import { VERSION } from '../version.ts';
import type { ArrangedPlugin, Plugin, PluginEntry } from './plugin.ts';
import { sortPlugins } from './sort-plugins.ts';

/**
 * Checks and sorts plugins: order, versions, options, what they write. It finds everything that can be known before anything
 * is made.
 *
 * @throws HooklineError for the first plugin that does not fit
 */
export function arrangePlugins(entries: readonly PluginEntry[]): readonly ArrangedPlugin[] {
  const arranged = sortPlugins(entries).map((entry): ArrangedPlugin => {
    checkCoreVersion(entry.plugin);
    const options = validateOptions(entry.plugin);
    return { ...entry, options, writes: writesOf(entry.plugin, options) };
  });
  assertWrittenOnce(arranged);
  return arranged;
}

/** @throws HooklineError `HKL_CORE_VERSION` when the plugin was made for another @hookline/core */
function checkCoreVersion(plugin: Plugin): void {
  const range = plugin.definition.core ?? `^${plugin.builtWith}`;
  if (validRange(range) === null) {
    throw new HooklineError('HKL_CORE_VERSION', `core: "${range}" is no version range`, {
      who: plugin.id,
      fix: `Write, for example, "^${VERSION}"`,
    });
  }
  if (satisfies(VERSION, range, { includePrerelease: true })) return;
  throw new HooklineError('HKL_CORE_VERSION', `it needs @hookline/core ${range}, and this is ${VERSION}`, {
    who: plugin.id,
    fix: 'Install matching versions; `npm ls @hookline/core` shows whether there are two copies',
  });
}

/**
 * The options of a plugin after its schema, with defaults filled in.
 *
 * @throws HooklineError `HKL_OPTION_UNKNOWN`, `HKL_OPTION_INVALID`, `HKL_OPTIONS_ASYNC`
 */
function validateOptions({ id, options, definition }: Plugin): unknown {
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
  if (isThenable(result)) {
    ignoreRejection(result);
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

/**
 * The standard names for things that several plugins might write (`writes` of a definition). A name includes all names
 * below it: `learningRate` and `learningRate/schedule` are in conflict, `learningRate/schedule` and
 * `learningRate/plateau` are not.
 */
const STANDARD_WRITES = Object.freeze({
  learningRate: 'the learning rate; learningRate/NAME: a factor of it that others multiply with theirs',
  evaluationWeights: 'the weights that evaluation sees',
  lossScale: 'the scale of the loss',
  metrics: 'scalars; metrics/NAME: those that are named NAME or NAME/...',
});

/**
 * The names of what a plugin writes, given its options. @throws HooklineError `HKL_PLUGIN_INVALID` where that is no
 * list of names
 */
function writesOf({ id, definition }: Plugin, options: unknown): readonly string[] {
  const { writes = [] } = definition;
  const names: unknown = typeof writes === 'function' ? writes(options) : writes;
  if (Array.isArray(names) && names.every((name) => typeof name === 'string' && name !== '')) return names as string[];
  throw new HooklineError('HKL_PLUGIN_INVALID', 'writes is no list of names', {
    who: id,
    fix: "Set it to names such as ['learningRate'], or to a function of the options that gives them",
  });
}

/** @throws HooklineError `HKL_WRITTEN_TWICE` where two plugins write one thing */
function assertWrittenOnce(plugins: readonly Pick<ArrangedPlugin, 'plugin' | 'writes'>[]): void {
  const written: { readonly name: string; readonly by: string }[] = [];
  for (const { plugin, writes } of plugins) {
    for (const name of writes) {
      const other = written.find(({ name: before }) => covers(before, name) || covers(name, before));
      if (other !== undefined) throw writtenTwice(plugin.id, name, other);
    }
    written.push(...writes.map((name) => ({ name, by: plugin.id })));
  }
}

const covers = (whole: string, part: string): boolean => part === whole || part.startsWith(`${whole}/`);

function writtenTwice(who: string, name: string, other: { readonly name: string; readonly by: string }): HooklineError {
  const [thing = ''] = name.split('/');
  const meaning = Object.entries(STANDARD_WRITES)
    .find(([standard]) => standard === thing)?.[1]
    .split(';')[0];
  const theirs = other.name === name ? 'it too' : other.name;
  return new HooklineError(
    'HKL_WRITTEN_TWICE',
    `it writes ${name}${meaning === undefined ? '' : ` (${meaning})`}, and ${other.by} writes ${theirs}: one would undo what the other does`,
    {
      who,
      fix: `Leave one of them out, in a preset by .without('${other.by}') or .without('${who}'), or give one an option by which it writes something else`,
    },
  );
}
