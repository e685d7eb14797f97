import { decodeExactJson, encodeExactJson } from '../checkpoint/exact-json.ts';
import { describeCause, HooklineError, isHooklineError } from '../errors.ts';
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
    const told = unpack(await comm.broadcast(undefined, 0, what)) as { value?: T; error?: ToldError };
    if (told.error !== undefined) throw errorOfRank(0, told.error);
    return told.value as T;
  }
  let value: T;
  try {
    value = await fn();
  } catch (error) {
    await comm.broadcast(pack({ error: tellError(error) }), 0, what);
    throw error;
  }
  await comm.broadcast(pack({ value }), 0, what);
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
  const told = result === undefined ? tellError(failure) : null;
  const all = await gatherFromRanks(comm, told, what);
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
  const parts = await comm.gather(pack(value), 0, what);
  const all = await comm.broadcast(parts === undefined ? undefined : pack(parts.map(text)), 0, what);
  return (unpack(all) as string[]).map((part) => decodeExactJson(part) as T);
}

/** An error of one rank, as it is sent to the others. */
export interface ToldError {
  /** The codes of the error and of its causes, where they have one. */
  readonly codes: readonly string[];
  readonly message: string;
}

/** Converts an error to what the other ranks are sent. */
export function tellError(error: unknown): ToldError {
  const codes: string[] = [];
  for (let link = error; link instanceof Error && codes.length < 8; link = link.cause)
    if (isHooklineError(link)) codes.push(link.code);
  return { codes, message: describeCause(error) };
}

/**
 * Makes an error for the failure of another rank, with the same code, and with causes that have the codes of its
 * causes.
 */
export function errorOfRank(rank: number, { codes, message }: ToldError): HooklineError {
  const [code = 'HKL_RANK_FAILED', ...below] = codes;
  const cause = below.reduceRight<HooklineError | undefined>(
    (deeper, each) => new HooklineError(each, message, { cause: deeper }),
    undefined,
  );
  const what = message.replace(/^\[\w+\] /, '').replace(/\.$/, '');
  return new HooklineError(code, what, { who: `rank ${rank}`, cause });
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const pack = (value: unknown): Uint8Array => Buffer.from(encodeExactJson(value, 'what ranks tell each other'));
const unpack = (bytes: Uint8Array): unknown => decodeExactJson(text(bytes));
