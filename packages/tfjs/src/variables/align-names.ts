import { HooklineError } from '@hookline/core';

/**
 * Which of some given names stands for each wanted one, for weights of a model that was named otherwise, such as a
 * backbone inside of a larger model: the longest given name that equals the wanted one or is its end after a `/` or `.`
 * (detectron2's align_and_update_state_dicts, without its renaming rules).
 *
 * @example
 * const { tensors } = await readCheckpoint('backbone.safetensors');
 * const renamed = [...alignNames(variables.keys(), tensors.keys())].map(([to, from]) => [to, tensors.get(from)!] as const);
 * restoreVariables(variables, new Map(renamed), { strict: false });
 *
 * @returns the given name by wanted name; wanted names that none fits are left out
 * @throws HooklineError `HKL_NAMES_AMBIGUOUS` when one given name fits two wanted ones best
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

/** The name itself and what follows each separator, the longest first. */
function endsOf(name: string): readonly string[] {
  return [name, ...[...name.matchAll(/[/.]/g)].map(({ index }) => name.slice(index + 1))];
}

function ambiguous(given: string, one: string, other: string): HooklineError {
  return new HooklineError('HKL_NAMES_AMBIGUOUS', `"${given}" could stand for "${one}" and for "${other}"`, {
    who: 'alignNames',
    fix: 'Rename the tensors by hand, or align a part of the model at a time',
  });
}
