import { isDeepStrictEqual } from 'node:util';
import { HooklineError } from '../errors.ts';
import { makePlugin } from '../plugin/define-plugin.ts';
import { isPlugin, type Plugin, type PluginEntry } from '../plugin/plugin.ts';
import { namesOf } from '../plugin/plugin-name.ts';
import { didYouMean } from '../suggest-name.ts';
import { isPreset, type PluginInput, type Preset, type PresetEdit } from './preset.ts';

/** Plugins that somebody other than the user lists. */
export interface PluginGroup {
  readonly addedBy: string;
  readonly inputs: readonly PluginInput[];
  /** Whether a plugin of it is only taken where no other group lists it or leaves it out. Default false. */
  readonly isDefault?: boolean;
}

const YOU = 'you';

interface Draft extends PluginEntry {
  /** Which list wrote it down, to tell one preset reached twice from two lists naming one plugin. */
  readonly origin: string;
  /** What was written there before any change. */
  readonly source: Plugin;
  readonly removed: boolean;
}

/**
 * Flattens lists and presets into one list of plugins, each with who added it.
 *
 * 1. A list gives its entries in order; a preset gives those of the presets it extends, then its own.
 * 2. The edits of a preset apply to all it holds, in the order in which they were made.
 * 3. A preset that is reached twice counts once. A change made on one of the ways holds; two different changes
 *    to one plugin are an error, since none of them is the obvious one.
 * 4. Two plugins with one id from different lists are an error.
 * 5. A plugin of a group of defaults gives way to one with its id in another group, and is not taken where another group
 *    leaves it out or puts something else in its place.
 *
 * @param inFront whose plugins come before those of `inputs`
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
    drafts: merge(group.inputs.flatMap((input) => flatten(input, group.addedBy, group.addedBy))),
  }));
  const said = groups.filter(({ isDefault }) => !isDefault).flatMap(({ drafts }) => drafts);
  const drafts = groups.flatMap(({ isDefault, drafts: own }) =>
    isDefault ? own.filter((draft) => !said.some((other) => saysOf(other, draft))) : own,
  );
  return merge(drafts)
    .filter(({ removed }) => !removed)
    .map(({ plugin, addedBy: by, changes }) => ({ plugin, addedBy: by, changes }));
}

/** Whether a draft settles what becomes of a plugin of the defaults: it is the same one, changed or left out perhaps. */
function saysOf(draft: Draft, { plugin }: Draft): boolean {
  return draft.source.id === plugin.id || (!draft.removed && draft.plugin.id === plugin.id);
}

function flatten(input: PluginInput, path: string, origin: string): readonly Draft[] {
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

function flattenPreset(preset: Preset, path: string): readonly Draft[] {
  const origin = `${preset.name}@${preset.version}`;
  const held = [
    ...preset.extends.flatMap((base) => flattenPreset(base, `${path} > ${base.name}`)),
    ...preset.plugins.flatMap((input) => flatten(input, path, origin)),
  ];
  return preset.edits.reduce((drafts, edit) => applyEdit(drafts, edit, preset), merge(held));
}

function applyEdit(drafts: readonly Draft[], edit: PresetEdit, preset: Preset): readonly Draft[] {
  const matching = drafts.filter(({ plugin }) => namesOf(plugin).includes(edit.name));
  if (matching.length !== 1) {
    const names = drafts.filter(({ removed }) => !removed).map(({ plugin }) => typedName(plugin));
    const fix =
      matching.length > 1
        ? `It means several: ${matching.map(({ plugin }) => plugin.id).join(', ')}`
        : didYouMean(edit.name, names);
    throw new HooklineError('HKL_PRESET_NAME_UNKNOWN', `.${edit.kind}('${edit.name}') meets no plugin of its own`, {
      who: preset.name,
      fix,
    });
  }
  return drafts.map((draft) => {
    if (draft !== matching[0]) return draft;
    const { plugin } = draft;
    switch (edit.kind) {
      case 'without':
        return { ...draft, removed: true, changes: [...draft.changes, 'left out'] };
      case 'configure': {
        const options = { ...(plugin.options as object | undefined), ...edit.options };
        const changes = [...draft.changes, `configured: ${Object.keys(edit.options).join(', ')}`];
        return { ...draft, plugin: makePlugin(plugin.definition, options, plugin.instance), changes, removed: false };
      }
      case 'replace':
        return {
          ...draft,
          plugin: edit.plugin,
          changes: [...draft.changes, `in place of ${plugin.id}`],
          removed: false,
        };
    }
  });
}

function merge(drafts: readonly Draft[]): readonly Draft[] {
  const merged: Draft[] = [];
  for (const draft of drafts) {
    const index = merged.findIndex(
      (other) => other.source.id === draft.source.id || (!other.removed && other.plugin.id === draft.plugin.id),
    );
    const other = merged[index];
    if (other === undefined) merged.push(draft);
    else if (other.origin === draft.origin && other.source.definition === draft.source.definition)
      merged[index] = mergeTwo(other, draft);
    else if (other.removed && !draft.removed) merged.push(draft);
    else if (!draft.removed) throw duplicate(other, draft);
  }
  return merged;
}

function mergeTwo(first: Draft, second: Draft): Draft {
  if (first.origin === YOU) throw duplicate(first, second);
  if (first.removed && second.removed) return first;
  const same = first.removed === second.removed && first.plugin.definition === second.plugin.definition;
  if (same && isDeepStrictEqual(first.plugin.options ?? {}, second.plugin.options ?? {})) return first;
  if (first.changes.length + second.changes.length === 0) return joinOptions(first, second);
  if (second.changes.length === 0) return first;
  if (first.changes.length === 0) return second;
  throw conflict(first, second, `${first.changes.join(', ')}; ${second.changes.join(', ')}`, 'each');
}

/** One preset made with different options: what only one of them gives the plugin holds. */
function joinOptions(first: Draft, second: Draft): Draft {
  const one = (first.plugin.options ?? {}) as Readonly<Record<string, unknown>>;
  const options = { ...one, ...(second.plugin.options as object | undefined) };
  const different = Object.keys(options).filter((key) => key in one && !isDeepStrictEqual(one[key], options[key]));
  if (different.length > 0) throw conflict(first, second, `option ${different.join(', ')}`, 'one');
  return { ...first, plugin: makePlugin(first.plugin.definition, options, first.plugin.instance) };
}

/** @param settledBy whether a change to one of the two is enough, or both must be changed alike */
function conflict(first: Draft, second: Draft, what: string, settledBy: 'one' | 'each'): HooklineError {
  const name = typedName(first.plugin);
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

function duplicate(first: Draft, second: Draft): HooklineError {
  const { id } = second.plugin;
  return new HooklineError('HKL_PLUGIN_DUPLICATE', `it is listed twice, by ${first.addedBy} and by ${second.addedBy}`, {
    who: id,
    fix: `${wayOut(first, second)}, or give one of them an instance: factory(options, { instance: 'second' })`,
  });
}

function wayOut(first: Draft, second: Draft): string {
  if (second.addedBy !== YOU) return `Leave it out of one of them: .without('${typedName(second.plugin)}')`;
  if (first.addedBy === YOU) return 'Leave one of them out';
  return `Change the first with .configure('${typedName(second.plugin)}', {...}) or .replace(...)`;
}

/** What people type for a plugin: the shortest of its names. */
function typedName(plugin: Plugin): string {
  return namesOf(plugin).at(-1) ?? plugin.id;
}
