import { describeCause, HooklineError } from '../errors.ts';
import { isPlainObject } from '../plain-object.ts';
import { findDuplicateKey } from './duplicate-key.ts';
import {
  byteSize,
  bytesPerElement,
  codeOfDtype,
  dtypeOfCode,
  isUnsupportedCode,
  tensorBytes,
  type HostDType,
  type HostTensor,
} from './host-tensor.ts';

/** Bytes before the header: its length, as an unsigned 64-bit little-endian number. */
export const LENGTH_BYTES = 8;
/** The longest header that readers of the format accept. */
export const MAX_HEADER_BYTES = 100_000_000;

const METADATA_KEY = '__metadata__';

/** Where a tensor stands in the data section, in bytes from its beginning. */
export interface TensorPlace {
  readonly name: string;
  readonly dtype: HostDType;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

/** What a header says; places in the order of the data, without gaps. */
export interface SafetensorsHeader {
  readonly metadata: ReadonlyMap<string, string>;
  readonly places: readonly TensorPlace[];
  /** Bytes of the data section. */
  readonly dataBytes: number;
}

/**
 * Orders tensors so that each begins at a multiple of its element size: by falling element size, then by name.
 * @throws HKL_TENSOR_INVALID
 */
export function placeTensors(tensors: ReadonlyMap<string, HostTensor>): TensorPlace[] {
  const sized = [...tensors].map(([name, tensor]) => {
    if (name === METADATA_KEY || name === '__proto__') {
      throw new HooklineError('HKL_TENSOR_INVALID', 'no tensor can have this name', {
        who: `tensor "${name}"`,
        fix: 'Rename it',
      });
    }
    return { name, dtype: tensor.dtype, shape: tensor.shape, bytes: tensorBytes(name, tensor).byteLength };
  });
  sized.sort((a, b) => bytesPerElement(b.dtype) - bytesPerElement(a.dtype) || (a.name < b.name ? -1 : 1));
  let end = 0;
  return sized.map(({ name, dtype, shape, bytes }) => ({ name, dtype, shape, start: end, end: (end += bytes) }));
}

/** Length and header as bytes, padded with spaces so that the data section begins at a multiple of 8. */
export function encodeHeader(places: readonly TensorPlace[], metadata: ReadonlyMap<string, string>): Uint8Array {
  // Joined by hand, since objects would put names that look like numbers first.
  const members = places.map(
    ({ name, dtype, shape, start, end }) =>
      `${JSON.stringify(name)}:${JSON.stringify({ dtype: codeOfDtype(dtype), shape, data_offsets: [start, end] })}`,
  );
  if (metadata.size > 0) members.unshift(`"${METADATA_KEY}":${JSON.stringify(Object.fromEntries(metadata))}`);
  const json = Buffer.from(`{${members.join(',')}}`);
  const length = Math.ceil(json.length / 8) * 8;
  const bytes = Buffer.alloc(LENGTH_BYTES + length, ' ');
  bytes.writeBigUInt64LE(BigInt(length));
  json.copy(bytes, LENGTH_BYTES);
  return bytes;
}

/** The header's length that the first 8 bytes tell, or undefined when no header of the format can be so long. */
export function headerLength(prefix: Uint8Array): number | undefined {
  const length = new DataView(prefix.buffer, prefix.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  return length >= 2n && length <= BigInt(MAX_HEADER_BYTES) ? Number(length) : undefined;
}

/**
 * Reads a header strictly: UTF-8, one JSON object without doubled keys, known fields and types, and tensors that cover
 * the data section from its beginning without gap or overlap.
 *
 * @param bytes the header without its length
 * @param source what errors about types call the file
 * @throws HKL_SAFETENSORS_INVALID, HKL_SAFETENSORS_DTYPE for a header that is fine but for element types that cannot be
 *   read, with their names
 */
export function parseHeader(bytes: Uint8Array, source = 'safetensors'): SafetensorsHeader {
  const header = parseObject(bytes);
  const places: TensorPlace[] = [];
  const unsupported: string[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [name, value] of Object.entries(header)) {
    if (name === METADATA_KEY) metadata = parseMetadata(value);
    else if (isPlainObject(value) && isUnsupportedCode(value['dtype']))
      unsupported.push(`"${name}" is ${String(value['dtype'])}`);
    else places.push(parsePlace(name, value));
  }
  if (unsupported.length > 0) throw unsupportedDtypes(source, unsupported);
  places.sort((a, b) => a.start - b.start || a.end - b.end);
  let dataBytes = 0;
  for (const { name, start, end } of places) {
    if (start < dataBytes) throw invalid(`tensor "${name}" overlaps another one`);
    if (start > dataBytes) throw invalid(`there is a gap before tensor "${name}"`);
    dataBytes = end;
  }
  return { metadata, places, dataBytes };
}

function parseObject(bytes: Uint8Array): object {
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (cause) {
    throw invalid(`its header is no JSON: ${describeCause(cause)}`, cause);
  }
  if (!text.startsWith('{') || typeof header !== 'object' || header === null)
    throw invalid('its header is no JSON object');
  const duplicate = findDuplicateKey(text);
  if (duplicate !== undefined) throw invalid(`"${duplicate}" stands twice in its header`);
  return header;
}

function parseMetadata(value: unknown): ReadonlyMap<string, string> {
  const entries = Object.entries(isPlainObject(value) ? value : { invalid: 0 });
  for (const [key, text] of entries) {
    if (key === '__proto__' || typeof text !== 'string') throw invalid(`${METADATA_KEY} is no map from text to text`);
  }
  return new Map(entries as [string, string][]);
}

function parsePlace(name: string, value: unknown): TensorPlace {
  const fail = (what: string): HooklineError => invalid(`tensor "${name}" ${what}`);
  if (name === '__proto__') throw invalid('a tensor has the name "__proto__"');
  if (!isPlainObject(value) || Object.keys(value).some((key) => !['dtype', 'shape', 'data_offsets'].includes(key))) {
    throw fail('is not described by dtype, shape and data_offsets');
  }
  const { dtype: code, shape, data_offsets: offsets } = value;
  const dtype = typeof code === 'string' ? dtypeOfCode(code) : undefined;
  if (dtype === undefined) throw fail(`has an unknown dtype ${JSON.stringify(code)}`);
  const size = Array.isArray(shape) ? byteSize(dtype, shape) : undefined;
  if (size === undefined) throw fail(`has the shape ${JSON.stringify(shape)}`);
  const [start, end] = Array.isArray(offsets) && offsets.length === 2 ? (offsets as unknown[]) : [];
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || (start as number) < 0) {
    throw fail(`has the data_offsets ${JSON.stringify(offsets)}`);
  }
  const bytes = (end as number) - (start as number);
  if (bytes !== size) throw fail(`takes ${bytes} bytes, ${dtype} of shape ${JSON.stringify(shape)} needs ${size}`);
  return { name, dtype, shape: shape as number[], start: start as number, end: end as number };
}

function unsupportedDtypes(who: string, found: readonly string[]): HooklineError {
  const more = found.length > 3 ? ` and ${found.length - 3} more` : '';
  return new HooklineError(
    'HKL_SAFETENSORS_DTYPE',
    `it holds tensors of types that are not supported: ${found.slice(0, 3).join(', ')}${more}`,
    {
      who,
      fix: 'The file is not damaged. Convert these tensors to F32, F16 or BF16 where the file was made, complex numbers to their real and imaginary parts',
    },
  );
}

function invalid(what: string, cause?: unknown): HooklineError {
  return new HooklineError('HKL_SAFETENSORS_INVALID', what, {
    who: 'safetensors',
    fix: 'The data are damaged, or were not written as safetensors',
    cause,
  });
}
