import { createHash } from 'node:crypto';
import { describeCause, HooklineError } from '../errors.ts';
import { isPlainObject } from '../plain-object.ts';
import type { CheckpointEntry, CheckpointManifest } from './checkpoint.ts';
import { decodeExactJson, encodeExactJson } from './exact-json.ts';
import type { SafetensorsHeader, TensorPlace } from './safetensors-header.ts';

/** Version of the format that this version writes, the newest it reads. */
export const CHECKPOINT_FORMAT = 1;

const MANIFEST_KEY = 'hookline';
const DIGEST_KEY = 'hookline_sha256';

/**
 * Encodes the metadata of a checkpoint's file: the manifest, and a digest of the manifest and of the tensors' names,
 * types and places. The entries are encoded once, by this call.
 *
 * @returns a function of the digest of the tensors
 */
export function encodeManifest(
  given: CheckpointManifest,
  created: string,
  places: readonly TensorPlace[],
): (sha256: string) => { manifest: Required<CheckpointManifest>; metadata: Map<string, string> } {
  const { iteration, hookline } = given;
  const entries = Object.entries(given.entries).map(([key, { version, data }]) => {
    const entry = { ...(version === undefined ? {} : { version }), data };
    return encodeExactJson({ [key]: entry }, `state of "${key}"`).slice(1, -1);
  });
  if (!Number.isSafeInteger(iteration) || iteration < 0) {
    throw new HooklineError('HKL_CHECKPOINT_DRAFT', `${iteration} is no iteration`, {
      who: 'checkpoint',
      fix: 'Give the next iteration as a non-negative integer',
    });
  }
  const own = { format: CHECKPOINT_FORMAT, iteration, hookline, created };
  const rest = `${JSON.stringify(own).slice(1, -1)},"entries":{${entries.join(',')}}}`;
  return (sha256) => {
    // `sha256` stands first, so that it can be read even where the end of the file is damaged. The text is joined by
    // hand, since each entry has been encoded by itself.
    const text = `{"sha256":"${sha256}",${rest}`;
    const metadata = new Map([
      [MANIFEST_KEY, text],
      [DIGEST_KEY, digestOf(text, places)],
    ]);
    return { manifest: { ...own, sha256, entries: given.entries }, metadata };
  };
}

/**
 * The manifest in a header.
 * @throws HKL_CHECKPOINT_FOREIGN without one, HKL_CHECKPOINT_NEWER of a newer format, HKL_CHECKPOINT_CORRUPT when it is
 *   not as it was written
 */
export function decodeManifest(path: string, { metadata, places }: SafetensorsHeader): Required<CheckpointManifest> {
  const text = metadata.get(MANIFEST_KEY);
  if (text === undefined) {
    throw new HooklineError('HKL_CHECKPOINT_FOREIGN', 'it is a safetensors file, but no checkpoint of Hookline', {
      who: path,
      fix: 'Give a checkpoint that Hookline wrote; weights from elsewhere are no state of a run, and begin a new one, see --weights',
    });
  }
  const manifest = parseManifest(path, text);
  if (metadata.get(DIGEST_KEY) !== digestOf(text, places)) throw corrupt(path, 'its manifest was changed');
  return manifest;
}

/** True when bytes that could not be read as a header look like one of ours. */
export function looksLikeOurs(header: Uint8Array): boolean {
  return Buffer.from(header.buffer, header.byteOffset, header.byteLength).includes(`"${DIGEST_KEY}"`);
}

/** The error for a checkpoint whose contents are not what was written. */
export function corrupt(path: string, what: string, cause?: unknown): HooklineError {
  return new HooklineError('HKL_CHECKPOINT_CORRUPT', what, {
    who: path,
    fix: 'The file is damaged; use another checkpoint, or copy it again from where it came',
    cause,
  });
}

function parseManifest(path: string, text: string): Required<CheckpointManifest> {
  let parsed: unknown;
  try {
    parsed = decodeExactJson(text);
  } catch (cause) {
    throw corrupt(path, `its manifest cannot be read: ${describeCause(cause)}`, cause);
  }
  const fields: Partial<Record<keyof CheckpointManifest, unknown>> = isPlainObject(parsed) ? parsed : {};
  const { format, iteration, hookline, created, entries, sha256 } = fields;
  if (isCount(format) && format > CHECKPOINT_FORMAT) {
    const writer = typeof hookline === 'string' ? `Hookline ${hookline}` : 'a newer Hookline';
    throw new HooklineError('HKL_CHECKPOINT_NEWER', `it has format ${format}, written by ${writer}`, {
      who: path,
      fix: `Update Hookline: this version reads formats up to ${CHECKPOINT_FORMAT}`,
    });
  }
  if (
    format !== CHECKPOINT_FORMAT ||
    !isCount(iteration) ||
    typeof hookline !== 'string' ||
    typeof created !== 'string' ||
    typeof sha256 !== 'string' ||
    !isEntries(entries)
  )
    throw corrupt(path, 'its manifest lacks a field or has one of a wrong type');
  return { format, iteration, hookline, created, entries, sha256 };
}

function digestOf(manifest: string, places: readonly TensorPlace[]): string {
  const tensors = places.map(({ name, dtype, shape, start, end }) => [name, dtype, shape, start, end]);
  return createHash('sha256')
    .update(JSON.stringify([manifest, tensors]))
    .digest('hex');
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const isEntries = (value: unknown): value is Readonly<Record<string, CheckpointEntry>> =>
  isPlainObject(value) && Object.values(value).every(isEntry);

function isEntry(entry: unknown): boolean {
  if (!isPlainObject(entry) || !('data' in entry)) return false;
  return !('version' in entry) || typeof entry['version'] === 'string';
}
