import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { digestTensors } from '../checkpoint/checkpoint-file.ts';
import { decodeExactJson, encodeExactJson } from '../checkpoint/exact-json.ts';
import { tensorBytes, type HostTensor } from '../checkpoint/host-tensor.ts';
import type { Checkpoint, CheckpointEntry } from '../checkpoint/checkpoint.ts';
import { HooklineError } from '../errors.ts';
import { isPlainObject } from '../plain-object.ts';
import type { Communicator } from '../services/communicator.ts';
import type { Logger } from '../services/logger.ts';
import { gatherFromRanks } from '../services/ranks.ts';
import { invalidState } from './plugin-state.ts';
import { RUN, STORAGE } from './engine-state.ts';

type Entries = Readonly<Record<string, CheckpointEntry>>;

/** Key of the entry that holds the states of other ranks, as far as they differ from that of the first one. */
const RANKS = 'hookline/ranks';

/**
 * Entries that exist once for the whole run: the histories of the first rank, and the options, which all ranks share.
 */
const OF_THE_RUN: readonly string[] = [STORAGE, RUN];

/**
 * The checkpoint that the first rank writes: its own state, with the states of other ranks where they differ, such as
 * positions of their random streams. On the other ranks their own state is returned.
 */
export async function withOtherRanks(comm: Communicator, own: Checkpoint): Promise<Checkpoint> {
  if (comm.size === 1) return own;
  const { iteration, entries } = own.manifest;
  const kept = Object.fromEntries(Object.entries(entries).filter(([key]) => !OF_THE_RUN.includes(key)));
  const packed = Buffer.from(encodeExactJson({ iteration, entries: kept }, 'the state of a rank'));
  const parts = await comm.gather(comm.rank === 0 ? new Uint8Array(0) : packed, 0, 'a checkpoint');
  if (parts === undefined) return own;
  const ranks = parts.map((part) => {
    if (part.length === 0) return {};
    const theirs = decodeExactJson(Buffer.from(part).toString()) as { iteration: number; entries: Entries };
    // The state of a rank that failed within another step fits no checkpoint.
    return theirs.iteration === iteration ? differing(entries, theirs.entries) : {};
  });
  const data = { size: comm.size, ranks };
  return { ...own, manifest: { ...own.manifest, entries: { ...entries, [RANKS]: { version: '1', data } } } };
}

/**
 * The entries of a rank that differ from those of the first rank. Of an entry that is an object, only the fields that
 * differ.
 */
function differing(first: Entries, theirs: Entries): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [key, { data }] of Object.entries(theirs)) {
    const before = first[key]?.data;
    if (isDeepStrictEqual(data, before)) continue;
    found[key] =
      isPlainObject(data) && isPlainObject(before)
        ? Object.fromEntries(Object.entries(data).filter(([name, value]) => !isDeepStrictEqual(value, before[name])))
        : data;
  }
  return found;
}

/**
 * The checkpoint that this rank loads: with its own saved state where the number of ranks is the same as when it was
 * saved.
 *
 * @param source the file, for messages
 * @param logger is told that the number of ranks is another one, where training goes on
 * @throws HooklineError `HKL_STATE_INVALID` where the entry of the ranks is not what was saved
 */
export function ofThisRank(
  checkpoint: Checkpoint,
  comm: Communicator,
  source: string,
  logger: Logger | undefined,
): Checkpoint {
  const { [RANKS]: ranks, ...others } = checkpoint.manifest.entries;
  const entries: Record<string, CheckpointEntry> = others;
  const states = ranks === undefined ? [{}] : savedRanks(ranks.data, source);
  const own = states[comm.rank];
  if (own === undefined || states.length !== comm.size)
    logger?.info(
      `${source} was saved by ${counted(states.length)}, and ${counted(comm.size)} ${comm.size === 1 ? 'goes' : 'go'} on from it: from the same position in the data, with other random numbers`,
    );
  else {
    for (const [key, data] of Object.entries(own)) {
      const entry = entries[key];
      if (entry === undefined) continue;
      const isPart = isPlainObject(data) && isPlainObject(entry.data);
      entries[key] = { ...entry, data: isPart ? { ...(entry.data as object), ...data } : data };
    }
  }
  return { ...checkpoint, manifest: { ...checkpoint.manifest, entries } };
}

/** What each rank has saved otherwise than the first one. @throws HooklineError `HKL_STATE_INVALID` */
function savedRanks(data: unknown, source: string): readonly Readonly<Record<string, unknown>>[] {
  const { size, ranks } = isPlainObject(data) ? (data as { readonly size?: unknown; readonly ranks?: unknown }) : {};
  if (Array.isArray(ranks) && ranks.length === size && ranks.every(isPlainObject)) return ranks;
  throw invalidState('it is no list of the states of ranks', { who: 'ranks', entry: RANKS, source });
}

const counted = (size: number): string => (size === 1 ? 'one process' : `${size} ranks`);

/**
 * Checks that all ranks hold the same tensors, to the bit.
 *
 * @param checkpoint what this rank would save
 * @param written digest of the tensors that the first rank has written; undefined on the others
 * @throws HooklineError `HKL_RANKS_DIVERGED` with a rank and the first of its tensors that differ
 */
export async function assertSameTensors(
  comm: Communicator,
  { manifest, tensors }: Checkpoint,
  written: string | undefined,
): Promise<void> {
  if (comm.size === 1) return;
  const what = 'whether all ranks have the same weights';
  const own = { iteration: manifest.iteration, digest: written ?? digestTensors(tensors) };
  const digests = await gatherFromRanks(comm, own, what);
  // A rank that failed within another step has other weights, and the run ends anyway.
  const isOdd = (rank: number): boolean =>
    digests[rank]?.iteration === digests[0]?.iteration && digests[rank]?.digest !== digests[0]?.digest;
  if (!digests.some((_, rank) => isOdd(rank))) return;
  const tables = await gatherFromRanks(comm, digestEach(tensors), what);
  for (const [rank, table] of tables.entries()) {
    if (!isOdd(rank)) continue;
    const names = Object.keys({ ...tables[0], ...table }).filter((name) => table[name] !== tables[0]?.[name]);
    const more = names.length === 1 ? '' : ` and ${names.length - 1} more`;
    throw new HooklineError('HKL_RANKS_DIVERGED', `its ${names[0]}${more} differ from those of the first rank`, {
      who: `rank ${rank}`,
      fix: 'All ranks must start with the same weights and take the same updates: list the plugin dataParallel, and let nothing that changes weights depend on the rank',
    });
  }
}

function digestEach(tensors: ReadonlyMap<string, HostTensor>): Record<string, string> {
  return Object.fromEntries(
    [...tensors].map(([name, tensor]) => {
      const bytes = tensorBytes(name, tensor);
      return [name, createHash('sha256').update(bytes).digest('hex').slice(0, 16)];
    }),
  );
}
