import { HooklineError } from '../errors.ts';
import { arrayOf, tensorBytes, type HostTensor } from './host-tensor.ts';
import { encodeHeader, headerLength, LENGTH_BYTES, parseHeader, placeTensors } from './safetensors-header.ts';

/** What a safetensors file holds. */
export interface Safetensors {
  readonly tensors: Map<string, HostTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * A whole safetensors file in memory; the format is described at https://github.com/huggingface/safetensors.
 * @throws HKL_TENSOR_INVALID
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array {
  const places = placeTensors(tensors);
  const header = encodeHeader(places, metadata);
  const bytes = new Uint8Array(header.length + (places.at(-1)?.end ?? 0));
  bytes.set(header);
  for (const { name, start } of places) {
    const tensor = tensors.get(name);
    if (tensor !== undefined) bytes.set(tensorBytes(name, tensor), header.length + start);
  }
  return bytes;
}

/**
 * Reads a whole safetensors file, strictly. Each tensor gets memory of its own.
 * @throws HKL_SAFETENSORS_INVALID for anything but exactly one well-formed file, HKL_SAFETENSORS_DTYPE for one with types
 *   that cannot be read, such as F8_E4M3 and C64
 */
export function decodeSafetensors(bytes: Uint8Array): Safetensors {
  const length = bytes.length < LENGTH_BYTES ? undefined : headerLength(bytes);
  if (length === undefined || LENGTH_BYTES + length > bytes.length)
    throw wrongLength(`${bytes.length} bytes hold no header`);
  const dataStart = LENGTH_BYTES + length;
  const { metadata, places, dataBytes } = parseHeader(bytes.subarray(LENGTH_BYTES, dataStart));
  if (dataStart + dataBytes !== bytes.length) {
    throw wrongLength(`the data section has ${bytes.length - dataStart} bytes, the header describes ${dataBytes}`);
  }
  const tensors = new Map<string, HostTensor>();
  for (const { name, dtype, shape, start, end } of places) {
    const own = new Uint8Array(end - start);
    own.set(bytes.subarray(dataStart + start, dataStart + end));
    tensors.set(name, { dtype, shape, data: arrayOf(dtype, own.buffer) });
  }
  return { tensors, metadata };
}

function wrongLength(what: string): HooklineError {
  return new HooklineError('HKL_SAFETENSORS_INVALID', what, {
    who: 'safetensors',
    fix: 'The data are damaged or cut off, or were not written as safetensors',
  });
}
