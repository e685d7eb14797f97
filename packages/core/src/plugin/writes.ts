import { HooklineError } from '../errors.ts';
import type { Plugin } from './plugin.ts';

/**
 * What several plugins might write, with the names that plugins declare it by. A name stands for all below it: `learningRate`
 * and `learningRate/schedule` are in conflict, `learningRate/schedule` and `learningRate/plateau` are not.
 */
export const STANDARD_WRITES = Object.freeze({
  learningRate: 'the learning rate; learningRate/NAME: a factor of it that others multiply with theirs',
  evaluationWeights: 'the weights that evaluation sees',
  lossScale: 'the scale of the loss',
  metrics: 'scalars; metrics/NAME: those that are named NAME or NAME/...',
});

/** What a plugin writes with its options. @throws HooklineError `HKL_PLUGIN_INVALID` where that is no list of names */
export function writesOf({ id, definition }: Plugin, options: unknown): readonly string[] {
  const { writes = [] } = definition;
  const names: unknown = typeof writes === 'function' ? writes(options) : writes;
  if (Array.isArray(names) && names.every((name) => typeof name === 'string' && name !== '')) return names as string[];
  throw new HooklineError('HKL_PLUGIN_INVALID', 'writes is no list of names', {
    who: id,
    fix: "Set it to names such as ['learningRate'], or to a function of the options that gives them",
  });
}

/** @throws HooklineError `HKL_WRITTEN_TWICE` where two plugins write one thing */
export function assertWrittenOnce(
  plugins: readonly { readonly plugin: Plugin; readonly writes: readonly string[] }[],
): void {
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
