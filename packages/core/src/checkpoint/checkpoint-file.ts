import { createHash, type Hash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describeCause, HooklineError, isHooklineError } from '../errors.ts';
import { makeFolder } from '../files/make-folder.ts';
import { readFully, removeStaleTemps, writeFileAtomically, writeFully } from '../files/atomic-file.ts';
import { corrupt, decodeManifest, encodeManifest, looksLikeOurs } from './checkpoint-manifest.ts';
import type { Checkpoint, CheckpointManifest } from './checkpoint.ts';
import { readError, writeError } from '../files/file-error.ts';
import { arrayOf, tensorBytes, type HostTensor } from './host-tensor.ts';
import {
  encodeHeader,
  headerLength,
  LENGTH_BYTES,
  MAX_HEADER_BYTES,
  parseHeader,
  placeTensors,
  type SafetensorsHeader,
  type TensorPlace,
} from './safetensors-header.ts';
import { CHUNK_BYTES, writeData } from './write-data.ts';
import type { WriteThread } from './write-thread.ts';

const NO_DIGEST = '0'.repeat(64);

/**
 * Writes a checkpoint as one safetensors file, atomically: under `path` there is always a complete file, the old or the
 * new. Makes the folder when it is missing, and removes what killed writers left there.
 *
 * Tensors are written from where they are, not copied; they must not change until the promise settles.
 *
 * @returns the manifest as it was written
 * @throws HKL_UNWRITABLE, HKL_DISK_FULL, HKL_WRITE_FAILED, HKL_TENSOR_INVALID, HKL_STATE_NOT_JSON, HKL_CHECKPOINT_DRAFT
 */
export async function writeCheckpoint(
  path: string,
  { manifest, tensors }: Checkpoint,
): Promise<Required<CheckpointManifest>> {
  const places = placeTensors(tensors);
  return writeFile(path, manifest, places, async (handle, position) => {
    const hash = createHash('sha256');
    await writeData(handle, position, orderedBytes(tensors, places), hash);
    return hash.digest('hex');
  });
}

/**
 * As {@link writeCheckpoint}, but the state is copied before this returns, and the copy is written later.
 *
 * @param thread writes what is large
 * @returns a promise of the manifest as it was written, which rejects with what writing raises. HKL_TENSOR_INVALID,
 * HKL_STATE_NOT_JSON and HKL_CHECKPOINT_DRAFT are thrown synchronously
 */
export function writeCopyOfCheckpoint(
  path: string,
  { manifest, tensors }: Checkpoint,
  thread: WriteThread,
): Promise<Required<CheckpointManifest>> {
  const places = placeTensors(tensors);
  const size = places.at(-1)?.end ?? 0;
  const shared = thread.memory(size);
  const copy = shared ?? new Uint8Array(size);
  let at = 0;
  for (const bytes of orderedBytes(tensors, places)) {
    copy.set(bytes, at);
    at += bytes.length;
  }
  return writeFile(path, manifest, places, async (handle, position) => {
    if (shared !== undefined) return thread.write(handle.fd, position, shared);
    const hash = createHash('sha256');
    await writeData(handle, position, [copy], hash);
    return hash.digest('hex');
  });
}

/** @param writeTensors writes the data section from a position on and returns its digest */
function writeFile(
  path: string,
  given: CheckpointManifest,
  places: readonly TensorPlace[],
  writeTensors: (handle: FileHandle, position: number) => Promise<string>,
): Promise<Required<CheckpointManifest>> {
  const encoded = encodeManifest(given, given.created ?? new Date().toISOString(), places);
  // The digest is computed last and stands at the beginning of the file. Its length is fixed, so space is reserved for
  // it.
  const dataStart = encodeHeader(places, encoded(NO_DIGEST).metadata).length;
  if (dataStart - LENGTH_BYTES > MAX_HEADER_BYTES) {
    throw new HooklineError('HKL_STATE_NOT_JSON', `manifest and tensor names take ${dataStart} bytes`, {
      who: path,
      fix: `At most ${MAX_HEADER_BYTES} bytes are possible; save large arrays of numbers as tensors`,
    });
  }
  const write = async (): Promise<Required<CheckpointManifest>> => {
    await makeFolder(dirname(path)).catch((cause: unknown) => {
      throw writeError(path, cause);
    });
    await removeStaleTemps(dirname(path)).catch(() => undefined);
    return writeFileAtomically(path, async (handle) => {
      const { manifest, metadata } = encoded(await writeTensors(handle, dataStart));
      await writeFully(handle, encodeHeader(places, metadata), 0);
      return manifest;
    });
  };
  return write();
}

/**
 * Reads a checkpoint and checks every byte of it. Each tensor gets memory of its own, filled from the file.
 *
 * @throws HKL_CHECKPOINT_MISSING, HKL_CHECKPOINT_UNREADABLE, HKL_CHECKPOINT_TRUNCATED, HKL_CHECKPOINT_CORRUPT,
 *   HKL_CHECKPOINT_FOREIGN (no safetensors, or none of ours), HKL_CHECKPOINT_NEWER, HKL_SAFETENSORS_DTYPE (types that
 *   cannot be read, such as F8_E4M3 and C64, in a file that is fine)
 */
export async function readCheckpoint(
  path: string,
): Promise<{ readonly manifest: Required<CheckpointManifest>; readonly tensors: Map<string, HostTensor> }> {
  return withFile(path, async (handle) => {
    const { manifest, header, dataStart, size } = await readBeginning(path, handle);
    if (size < dataStart + header.dataBytes) throw truncated(path, dataStart + header.dataBytes, size);
    if (size > dataStart + header.dataBytes) throw corrupt(path, 'it is longer than it says');
    const hash = createHash('sha256');
    const tensors = new Map<string, HostTensor>();
    for (const { name, dtype, shape, start, end } of header.places) {
      const bytes = new Uint8Array(end - start);
      await readData(path, handle, dataStart + start, bytes, hash);
      tensors.set(name, { dtype, shape, data: arrayOf(dtype, bytes.buffer) });
    }
    if (hash.digest('hex') !== manifest.sha256) throw corrupt(path, 'its data are not those that were written');
    return { manifest, tensors };
  });
}

/**
 * Reads the manifest of a checkpoint without its tensors, so that large ones take no longer.
 *
 * @throws what {@link readCheckpoint} raises, but for faults in the tensors' bytes, which are not looked at
 */
export async function readManifest(path: string): Promise<Required<CheckpointManifest>> {
  return withFile(path, async (handle) => (await readBeginning(path, handle)).manifest);
}

/** The digest of tensors as {@link writeCheckpoint} computes it, SHA-256 in hexadecimal digits. */
export function digestTensors(tensors: ReadonlyMap<string, HostTensor>): string {
  const hash = createHash('sha256');
  for (const bytes of orderedBytes(tensors, placeTensors(tensors))) hash.update(bytes);
  return hash.digest('hex');
}

async function withFile<T>(path: string, read: (handle: FileHandle) => Promise<T>): Promise<T> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    return await read(handle);
  } catch (error) {
    throw readError(path, error);
  } finally {
    await handle?.close();
  }
}

async function readBeginning(path: string, handle: FileHandle) {
  const { size } = await handle.stat();
  const { header, dataStart } = await readHeader(path, handle, size);
  return { manifest: decodeManifest(path, header), header, dataStart, size };
}

function* orderedBytes(
  tensors: ReadonlyMap<string, HostTensor>,
  places: readonly TensorPlace[],
): Generator<Uint8Array> {
  for (const { name } of places) {
    const tensor = tensors.get(name);
    if (tensor !== undefined) yield tensorBytes(name, tensor);
  }
}

async function readData(path: string, handle: FileHandle, start: number, bytes: Uint8Array, hash: Hash): Promise<void> {
  let previous: Uint8Array | undefined;
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    const chunk = bytes.subarray(at, at + CHUNK_BYTES);
    const reading = readFully(handle, chunk, start + at);
    if (previous !== undefined) hash.update(previous);
    const read = await reading;
    if (read < chunk.length) throw truncated(path, start + bytes.length, start + at + read);
    previous = chunk;
  }
  if (previous !== undefined) hash.update(previous);
}

async function readHeader(
  path: string,
  handle: FileHandle,
  size: number,
): Promise<{ header: SafetensorsHeader; dataStart: number }> {
  const prefix = new Uint8Array(LENGTH_BYTES + 1);
  const read = await readFully(handle, prefix, 0);
  if (read < prefix.length) throw truncated(path, prefix.length, read);
  const length = headerLength(prefix);
  if (length === undefined || prefix[LENGTH_BYTES] !== '{'.charCodeAt(0)) throw foreign(path);
  const dataStart = LENGTH_BYTES + length;
  if (size < dataStart) throw truncated(path, dataStart, size);
  const bytes = new Uint8Array(length);
  await readFully(handle, bytes, LENGTH_BYTES);
  try {
    return { header: parseHeader(bytes, path), dataStart };
  } catch (cause) {
    // A file with an element type that we cannot read is not damaged.
    if (isHooklineError(cause, 'HKL_SAFETENSORS_DTYPE')) throw cause;
    throw looksLikeOurs(bytes)
      ? corrupt(path, `its header is damaged: ${describeCause(cause)}`, cause)
      : foreign(path, cause);
  }
}

function foreign(path: string, cause?: unknown): HooklineError {
  return new HooklineError('HKL_CHECKPOINT_FOREIGN', 'it is no safetensors file, or its beginning is damaged', {
    who: path,
    fix: 'Give a checkpoint that Hookline wrote; other weights begin a new run, see --weights',
    cause,
  });
}

function truncated(path: string, wanted: number, size: number): HooklineError {
  return new HooklineError('HKL_CHECKPOINT_TRUNCATED', `it is cut off: ${size} of at least ${wanted} bytes`, {
    who: path,
    fix: 'Use another checkpoint, or copy it again from where it came',
  });
}
