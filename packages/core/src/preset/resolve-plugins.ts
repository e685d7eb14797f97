import { isDeepStrictEqual } from 'node:util';
import { HooklineError } from '../errors.ts';
import { makePlugin } from '../plugin/define-plugin.ts';
import { isPlugin, type Plugin } from '../plugin/plugin.ts';
import { namesOf } from '../plugin/plugin-name.ts';
import { didYouMean } from '../suggest-name.ts';
import { isPreset, type PluginInput, type Preset, type PresetEdit } from './preset.ts';

/** A plugin of the resolved list, with where it comes from. */
export interface PluginEntry {
  readonly plugin: Plugin;
  /** `you`, or the preset that lists it, with the presets above it: `preset-a > preset-b`. */
  readonly addedBy: string;
  /** What presets or users changed, in words. */
  readonly changes: readonly string[];
}

/** Plugins that somebody other than the user lists. */
export interface PluginGroup {
  readonly addedBy: string;
  readonly inputs: readonly PluginInput[];
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
 *
 * @throws HooklineError `HKL_PLUGIN_DUPLICATE`, `HKL_PRESET_CONFLICT`, `HKL_PRESET_NAME_UNKNOWN`, `HKL_PLUGIN_LIST`
 */
export function resolvePlugins(
  inputs: readonly PluginInput[],
  inFront: PluginGroup = { addedBy: 'trainer', inputs: [] },
): readonly PluginEntry[] {
  const given: PluginInput = inputs;
  if (!Array.isArray(given)) {
    throw new HooklineError('HKL_PLUGIN_LIST', 'plugins is no array', {
      who: YOU,
      fix: isPreset(given) || isPlugin(given) ? 'Put it into brackets: plugins: [...]' : 'Give plugins: [...]',
    });
  }
  const drafts = [
    ...inFront.inputs.flatMap((input) => flatten(input, inFront.addedBy, inFront.addedBy)),
    ...inputs.flatMap((input) => flatten(input, YOU, YOU)),
  ];
  return merge(drafts)
    .filter(({ removed }) => !removed)
    .map(({ plugin, addedBy: by, changes }) => ({ plugin, addedBy: by, changes }));
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
    const names = drafts.filter(({ removed }) => !removed).map(({ plugin }) => namesOf(plugin).at(-1) ?? plugin.id);
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
  const same = first.removed === second.removed && first.plugin.definition === second.plugin.definition;
  if (same && isDeepStrictEqual(first.plugin.options, second.plugin.options)) return first;
  if (first.changes.length + second.changes.length === 0) throw duplicate(first, second);
  if (second.changes.length === 0) return first;
  if (first.changes.length === 0) return second;
  throw new HooklineError(
    'HKL_PRESET_CONFLICT',
    `${first.addedBy} and ${second.addedBy} change it differently (${first.changes.join(', ')}; ${second.changes.join(', ')})`,
    {
      who: first.plugin.id,
      fix: 'Settle it in the list that uses both: .configure(...), .without(...) or .replace(...) on one of them',
    },
  );
}

function duplicate(first: Draft, second: Draft): HooklineError {
  const { id } = second.plugin;
  const change =
    first.addedBy === YOU
      ? 'Leave one of them out'
      : `Change the first with .configure('${id}', {...}) or .replace(...)`;
  return new HooklineError('HKL_PLUGIN_DUPLICATE', `it is listed twice, by ${first.addedBy} and by ${second.addedBy}`, {
    who: id,
    fix: `${change}, or give one of them an instance: factory(options, { instance: 'second' })`,
  });
}
