import { isDeepStrictEqual } from 'node:util';
import { HooklineError } from '../errors.ts';
import { makePlugin } from '../plugin/define-plugin.ts';
import { isPlugin, namesOf, type Plugin, type PluginEntry, shortId } from '../plugin/plugin.ts';
import { didYouMean } from '../suggest-name.ts';
import { isPreset, type PluginInput, type Preset, type PresetEdit } from './preset.ts';

/** A list of plugins that is not the user's own. */
export interface PluginGroup {
  readonly addedBy: string;
  readonly inputs: readonly PluginInput[];
  /**
   * Whether the plugins are defaults: each of them is taken only where no other group lists it or leaves it out.
   * Default false.
   */
  readonly isDefault?: boolean;
}

const YOU = 'you';

interface Candidate extends PluginEntry {
  /** Which list holds it, to distinguish one preset that is reached twice from two lists that name the same plugin. */
  readonly origin: string;
  /** The plugin as that list holds it, before any change. */
  readonly source: Plugin;
  readonly removed: boolean;
}

/**
 * Flattens lists and presets into one list of plugins, each with who added it.
 *
 * 1. A list contributes its entries in order; a preset those of the presets it extends, then its own.
 * 2. The edits of a preset apply to all it holds, in the order in which they were made.
 * 3. A preset that is reached twice counts once. A change made on one of the ways holds; two different changes to one
 * plugin are an error, since neither is the obvious one.
 * 4. Two plugins with one id from different lists are an error.
 * 5. A plugin of a group of defaults is replaced by one with the same id in another group, and dropped where another
 * group leaves it out or replaces it.
 *
 * @param inFront groups whose plugins come before those of `inputs`
 * @throws HooklineError `HKL_PLUGIN_DUPLICATE`, `HKL_PRESET_CONFLICT`, `HKL_PRESET_NAME_UNKNOWN`, `HKL_PLUGIN_LIST`
 */
export function resolvePlugins(
  inputs: readonly PluginInput[],
  inFront: readonly PluginGroup[] = [],
): readonly PluginEntry[] {
  const given: PluginInput = inputs;
  if (!Array.isArray(given)) {
    throw new HooklineError('HKL_PLUGIN_LIST', 'plugins is no array', {
      who: YOU,
      fix: isPreset(given) || isPlugin(given) ? 'Put it into brackets: plugins: [...]' : 'Give plugins: [...]',
    });
  }
  const groups = [...inFront, { addedBy: YOU, inputs }].map((group: PluginGroup) => ({
    isDefault: group.isDefault === true,
    candidates: merge(group.inputs.flatMap((input) => flatten(input, group.addedBy, group.addedBy))),
  }));
  const said = groups.filter(({ isDefault }) => !isDefault).flatMap(({ candidates }) => candidates);
  const candidates = groups.flatMap(({ isDefault, candidates: own }) =>
    isDefault ? own.filter((candidate) => !said.some((other) => saysOf(other, candidate))) : own,
  );
  return merge(candidates)
    .filter(({ removed }) => !removed)
    .map(({ plugin, addedBy: by, changes }) => ({ plugin, addedBy: by, changes }));
}

/** Whether a candidate overrides a default plugin: it is the same plugin, perhaps changed or left out. */
function saysOf(candidate: Candidate, { plugin }: Candidate): boolean {
  return candidate.source.id === plugin.id || (!candidate.removed && candidate.plugin.id === plugin.id);
}

function flatten(input: PluginInput, path: string, origin: string): readonly Candidate[] {
  if (input === undefined || input === null || input === false) return [];
  if (Array.isArray(input)) return (input as readonly PluginInput[]).flatMap((each) => flatten(each, path, origin));
  if (isPlugin(input)) return [{ plugin: input, source: input, addedBy: path, changes: [], origin, removed: false }];
  if (isPreset(input)) return flattenPreset(input, path === YOU ? input.name : `${path} > ${input.name}`);
  const fix =
    typeof input === 'function'
      ? 'Call it: it looks like the factory of a plugin or preset'
      : 'List plugins, presets, or arrays of them';
  throw new HooklineError(
    'HKL_PLUGIN_LIST',
    `${typeof input === 'function' ? 'a function' : JSON.stringify(input)} is no plugin`,
    { who: path, fix },
  );
}

function flattenPreset(preset: Preset, path: string): readonly Candidate[] {
  const origin = `${preset.name}@${preset.version}`;
  const held = [
    ...preset.extends.flatMap((base) => flattenPreset(base, `${path} > ${base.name}`)),
    ...preset.plugins.flatMap((input) => flatten(input, path, origin)),
  ];
  return preset.edits.reduce((candidates, edit) => applyEdit(candidates, edit, preset), merge(held));
}

function applyEdit(candidates: readonly Candidate[], edit: PresetEdit, preset: Preset): readonly Candidate[] {
  const matching = candidates.filter(({ plugin }) => namesOf(plugin).includes(edit.name));
  if (matching.length !== 1) {
    const names = candidates.filter(({ removed }) => !removed).map(({ plugin }) => shortId(plugin));
    const fix =
      matching.length > 1
        ? `It means several: ${matching.map(({ plugin }) => plugin.id).join(', ')}`
        : didYouMean(edit.name, names);
    throw new HooklineError('HKL_PRESET_NAME_UNKNOWN', `.${edit.kind}('${edit.name}') meets no plugin of its own`, {
      who: preset.name,
      fix,
    });
  }
  return candidates.map((candidate) => {
    if (candidate !== matching[0]) return candidate;
    const { plugin } = candidate;
    switch (edit.kind) {
      case 'without':
        return { ...candidate, removed: true, changes: [...candidate.changes, 'left out'] };
      case 'configure': {
        const options = { ...(plugin.options as object | undefined), ...edit.options };
        const changes = [...candidate.changes, `configured: ${Object.keys(edit.options).join(', ')}`];
        return {
          ...candidate,
          plugin: makePlugin(plugin.definition, options, plugin.instance),
          changes,
          removed: false,
        };
      }
      case 'replace':
        return {
          ...candidate,
          plugin: edit.plugin,
          changes: [...candidate.changes, `in place of ${plugin.id}`],
          removed: false,
        };
    }
  });
}

function merge(candidates: readonly Candidate[]): readonly Candidate[] {
  const merged: Candidate[] = [];
  for (const candidate of candidates) {
    const index = merged.findIndex(
      (other) => other.source.id === candidate.source.id || (!other.removed && other.plugin.id === candidate.plugin.id),
    );
    const other = merged[index];
    if (other === undefined) merged.push(candidate);
    else if (other.origin === candidate.origin && other.source.definition === candidate.source.definition)
      merged[index] = mergeTwo(other, candidate);
    else if (other.removed && !candidate.removed) merged.push(candidate);
    else if (!candidate.removed) throw duplicate(other, candidate);
  }
  return merged;
}

function mergeTwo(first: Candidate, second: Candidate): Candidate {
  if (first.origin === YOU) throw duplicate(first, second);
  if (first.removed && second.removed) return first;
  const same = first.removed === second.removed && first.plugin.definition === second.plugin.definition;
  if (same && isDeepStrictEqual(first.plugin.options ?? {}, second.plugin.options ?? {})) return first;
  if (first.changes.length + second.changes.length === 0) return joinOptions(first, second);
  if (second.changes.length === 0) return first;
  if (first.changes.length === 0) return second;
  throw conflict(first, second, `${first.changes.join(', ')}; ${second.changes.join(', ')}`, 'each');
}

/** Merges a plugin of a preset that was made with different options: options that only one of the two sets hold. */
function joinOptions(first: Candidate, second: Candidate): Candidate {
  const one = (first.plugin.options ?? {}) as Readonly<Record<string, unknown>>;
  const options = { ...one, ...(second.plugin.options as object | undefined) };
  const different = Object.keys(options).filter((key) => key in one && !isDeepStrictEqual(one[key], options[key]));
  if (different.length > 0) throw conflict(first, second, `option ${different.join(', ')}`, 'one');
  return { ...first, plugin: makePlugin(first.plugin.definition, options, first.plugin.instance) };
}

/** @param settledBy whether a change to one of the two resolves the conflict, or both must be changed alike */
function conflict(first: Candidate, second: Candidate, what: string, settledBy: 'one' | 'each'): HooklineError {
  const name = shortId(first.plugin);
  return new HooklineError(
    'HKL_PRESET_CONFLICT',
    `${first.addedBy} and ${second.addedBy} make it differently (${what})`,
    {
      who: first.plugin.id,
      fix: `Settle it in the list that uses both, with .configure('${name}', {...}), .replace(...) or .without('${name}') on ${
        settledBy === 'one' ? 'one of them' : 'each of them alike'
      }`,
    },
  );
}

function duplicate(first: Candidate, second: Candidate): HooklineError {
  const { id } = second.plugin;
  return new HooklineError('HKL_PLUGIN_DUPLICATE', `it is listed twice, by ${first.addedBy} and by ${second.addedBy}`, {
    who: id,
    fix: `${wayOut(first, second)}, or give one of them an instance: factory(options, { instance: 'second' })`,
  });
}

function wayOut(first: Candidate, second: Candidate): string {
  if (second.addedBy !== YOU) return `Leave it out of one of them: .without('${shortId(second.plugin)}')`;
  if (first.addedBy === YOU) return 'Leave one of them out';
  return `Change the first with .configure('${shortId(second.plugin)}', {...}) or .replace(...)`;
}
