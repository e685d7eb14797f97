import { decodeExactJson, encodeExactJson } from '../checkpoint/exact-json.ts';
import { describeCause, HooklineError } from '../errors.ts';
import { packError, type PackedError, unpackError } from '../packed-error.ts';
import type { Communicator } from './communicator.ts';

/**
 * Calls `fn` on the first rank only, such as for reading or writing files or the clock, and returns its result, or
 * throws its error, on all ranks. Call it on every rank. In a single process it just calls `fn`.
 *
 * @param fn returns JSON (NaN and infinities allowed) or nothing
 * @param what for messages: what the other ranks wait for
 * @throws what `fn` throws; on the other ranks a HooklineError of the same code, which names the first rank
 */
export async function onFirstRank<T>(comm: Communicator, fn: () => T | Promise<T>, what?: string): Promise<T> {
  if (comm.size === 1) return fn();
  if (comm.rank !== 0) {
    const sent = decode(await comm.broadcast(undefined, 0, what)) as { value?: T; error?: PackedError };
    if (sent.error !== undefined) throw errorOfRank(0, sent.error);
    return sent.value as T;
  }
  let value: T;
  try {
    value = await fn();
  } catch (error) {
    await comm.broadcast(encode({ error: packError(error) }), 0, what);
    throw error;
  }
  await comm.broadcast(encode({ value }), 0, what);
  return value;
}

/**
 * Calls `fn` on every rank. Where it fails on some of them, it fails on all.
 *
 * @param fn must not use the communicator
 * @param what for messages: what the ranks wait for
 * @throws what `fn` throws on this rank, or, where it has failed on other ranks only, an error of the same code that
 * names the first of these
 */
export async function onEveryRank<T>(comm: Communicator, fn: () => T | Promise<T>, what?: string): Promise<T> {
  if (comm.size === 1) return fn();
  let result: { readonly value: T } | undefined;
  let failure: unknown;
  try {
    result = { value: await fn() };
  } catch (error) {
    failure = error;
  }
  const own = result === undefined ? packError(failure) : null;
  const all = await gatherFromRanks(comm, own, what);
  if (result === undefined) throw failure;
  for (const [rank, error] of all.entries()) if (error !== null) throw errorOfRank(rank, error);
  return result.value;
}

/**
 * Collects a value of each rank on all ranks, in the order of the ranks (detectron2's `all_gather`).
 *
 * @param value JSON; NaN and infinities allowed
 * @param what for messages: what the ranks wait for
 */
export async function gatherFromRanks<T>(comm: Communicator, value: T, what?: string): Promise<readonly T[]> {
  if (comm.size === 1) return [value];
  const parts = await comm.gather(encode(value), 0, what);
  const all = await comm.broadcast(parts === undefined ? undefined : encode(parts.map(text)), 0, what);
  return (decode(all) as string[]).map((part) => decodeExactJson(part) as T);
}

/**
 * Makes an error for the failure of another rank: with the same parts and causes, and with the first code that the error
 * or one of its causes has.
 */
export function errorOfRank(rank: number, error: PackedError): HooklineError {
  const [code = 'HKL_RANK_FAILED'] = codesOf(error);
  const { where, fix, cause } = error;
  return new HooklineError(code, sentenceOf(error), {
    who: `rank ${rank}`,
    where,
    fix,
    cause: cause && unpackError(cause),
  });
}

/** The codes of an error and of its causes, where they have one. */
export function codesOf(error: PackedError): readonly string[] {
  const below = error.cause === undefined ? [] : codesOf(error.cause);
  return error.code === undefined ? below : [error.code, ...below];
}

/** What an error says, without a final full stop; of a HooklineError who and what alone. */
export function sentenceOf(error: PackedError): string {
  const { who, what } = error;
  // An AggregateError is led by the message of its first error, with the code that the error of the rank has as well.
  if (what === undefined)
    return describeCause(unpackError(error))
      .replace(/^\[HKL_\w+\] /, '')
      .replace(/\.$/, '');
  return who === undefined ? what : `${who}: ${what}`;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const encode = (value: unknown): Uint8Array => Buffer.from(encodeExactJson(value, 'what ranks tell each other'));
const decode = (bytes: Uint8Array): unknown => decodeExactJson(text(bytes));
