import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { HooklineError } from '../errors.ts';
import type { EngineHookSet } from '../hooks/hook-table.ts';
import { isPlainObject } from '../plain-object.ts';
import type { ArrangedPlugin } from '../plugin/plugin.ts';
import type { Communicator } from '../services/communicator.ts';
import { gatherFromRanks } from '../services/ranks.ts';
import { VERSION } from '../version.ts';
import { collectState } from './collect-state.ts';
import { describeDifferences } from './run-settings.ts';

/** How many differences a message names. */
const NAMED = 5;

const OTHER_RUN = {
  problem: 'it does not train what rank 0 trains',
  fix: 'Start all ranks with the same trainer file, options, packages and data',
};

/**
 * Checks, before the first step, that all ranks train the same: versions, plugins and their options, the seed and the
 * data.
 *
 * @throws HooklineError `HKL_RANKS_DIFFER` with a rank and what differs
 */
export async function assertSameRun(
  comm: Communicator,
  hooks: EngineHookSet,
  iteration: number,
  arranged: readonly ArrangedPlugin[],
): Promise<void> {
  if (comm.size === 1) return;
  const state = await collectState(hooks, iteration, 'undo');
  const versions = Object.fromEntries(arranged.map(({ plugin }) => [plugin.id, plugin.definition.version]));
  const own = { iteration, hookline: VERSION, versions, ...whatIsTrained(state) };
  await assertSameOnRanks(comm, own, 'whether all ranks train the same');
}

/**
 * Checks that a value is the same on all ranks.
 *
 * @param value JSON values, by the names that messages call them
 * @param what what is compared, for the error of a rank that does not answer
 * @param words what the error says that a rank does, and what to do about it; default: for ranks that should train the same
 * @throws HooklineError `HKL_RANKS_DIFFER` with a rank and what differs
 */
export async function assertSameOnRanks(
  comm: Communicator,
  value: Readonly<Record<string, unknown>>,
  what: string,
  { problem, fix }: { readonly problem: string; readonly fix: string } = OTHER_RUN,
): Promise<void> {
  const all = await gatherFromRanks(comm, value, what);
  for (const [rank, theirs] of all.entries()) {
    const differences = Object.keys({ ...all[0], ...theirs }).flatMap((name) =>
      describeDifferences(all[0]?.[name], theirs[name], name, 'on rank 0 it is'),
    );
    if (differences.length === 0) continue;
    const more = differences.length > NAMED ? `, and ${differences.length - NAMED} more` : '';
    const list = differences.slice(0, NAMED).join('; ');
    throw new HooklineError('HKL_RANKS_DIFFER', `${problem}: ${list}${more}`, { who: `rank ${rank}`, fix });
  }
}

/** The part of the saved state that must be the same on all ranks: options, the seed, the fingerprint of the data. */
function whatIsTrained({ manifest }: Checkpoint): Readonly<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const [key, { data }] of Object.entries(manifest.entries)) {
    if (!isPlainObject(data)) continue;
    const name = key.replace('hookline/', '');
    if (name === 'run') found['options'] = data;
    if ('fingerprint' in data) found[name] = data['fingerprint'];
    if (name === 'random') found['seed'] = data['seed'];
  }
  return found;
}
