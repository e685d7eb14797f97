import { HooklineError } from '@hookline/core';

/**
 * Matches wanted names to given names, for weights of a model that was named differently, such as a backbone inside a
 * larger model. Each wanted name gets the longest given name that equals it or is its suffix after a `/` or `.`
 * (detectron2's align_and_update_state_dicts, without its renaming rules).
 *
 * @example
 * const { tensors } = await readCheckpoint('backbone.safetensors');
 * const renamed = [...alignNames(variables.keys(), tensors.keys())].map(([to, from]) => [to, tensors.get(from)!] as const);
 * restoreVariables(variables, new Map(renamed), { strict: false });
 *
 * @returns the matching given name for each wanted name; wanted names without a match are left out
 * @throws HooklineError `HKL_NAMES_AMBIGUOUS` when one given name is the best match of two wanted names
 */
export function alignNames(wanted: Iterable<string>, given: Iterable<string>): ReadonlyMap<string, string> {
  const known = new Set(given);
  const aligned = new Map<string, string>();
  const takers = new Map<string, string>();
  for (const name of wanted) {
    const found = endsOf(name).find((end) => known.has(end));
    if (found === undefined) continue;
    const other = takers.get(found);
    if (other !== undefined) throw ambiguous(found, other, name);
    takers.set(found, name);
    aligned.set(name, found);
  }
  return aligned;
}

/** The name itself and the suffix after each separator, the longest first. */
function endsOf(name: string): readonly string[] {
  return [name, ...[...name.matchAll(/[/.]/g)].map(({ index }) => name.slice(index + 1))];
}

function ambiguous(given: string, one: string, other: string): HooklineError {
  return new HooklineError('HKL_NAMES_AMBIGUOUS', `"${given}" could stand for "${one}" and for "${other}"`, {
    who: 'alignNames',
    fix: 'Rename the tensors by hand, or align a part of the model at a time',
  });
}
