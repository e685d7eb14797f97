import { open, type FileHandle } from 'node:fs/promises';
import { describeCause, HooklineError, isHooklineError } from '../errors.ts';
import { readFully } from '../files/atomic-file.ts';
import { readError } from '../files/file-error.ts';
import { arrayOf, type HostTensor } from './host-tensor.ts';
import { headerLength, LENGTH_BYTES, parseHeader, type SafetensorsHeader } from './safetensors-header.ts';

/** A safetensors file that is open: what its header says, and its tensors one at a time. */
export interface SafetensorsFile {
  /** Type and shape by name, in the order of the data. */
  readonly tensors: ReadonlyMap<string, Pick<HostTensor, 'dtype' | 'shape'>>;
  readonly metadata: ReadonlyMap<string, string>;
  /** One tensor, in memory of its own. @throws HKL_SAFETENSORS_INVALID for a name that is not in the file */
  read(name: string): Promise<HostTensor>;
  close(): Promise<void>;
}

/**
 * Opens a safetensors file of whatever origin and checks its header and its length. Tensors are read when they are asked for,
 * so that a large file of which little is wanted takes little memory. The caller closes it.
 *
 * @throws HKL_CHECKPOINT_MISSING, HKL_CHECKPOINT_UNREADABLE, HKL_SAFETENSORS_INVALID for a file that is damaged, cut off
 * or none of safetensors, HKL_SAFETENSORS_DTYPE for types that cannot be read
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const { size } = await handle.stat();
    const { header, dataStart } = await readHeader(path, handle, size);
    return openedFile(path, handle, header, dataStart);
  } catch (error) {
    await handle?.close();
    throw readError(path, error);
  }
}

async function readHeader(
  path: string,
  handle: FileHandle,
  size: number,
): Promise<{ header: SafetensorsHeader; dataStart: number }> {
  const prefix = new Uint8Array(LENGTH_BYTES);
  const length = size < LENGTH_BYTES ? undefined : await readFully(handle, prefix, 0).then(() => headerLength(prefix));
  if (length === undefined) throw invalid(path, 'it is no safetensors file, or its beginning is damaged');
  const dataStart = LENGTH_BYTES + length;
  if (size < dataStart) throw cutOff(path, size, dataStart);
  const bytes = new Uint8Array(length);
  await readFully(handle, bytes, LENGTH_BYTES);
  let header: SafetensorsHeader;
  try {
    header = parseHeader(bytes, path);
  } catch (cause) {
    if (isHooklineError(cause, 'HKL_SAFETENSORS_DTYPE')) throw cause;
    throw invalid(path, `its header is damaged: ${describeCause(cause)}`, cause);
  }
  const end = dataStart + header.dataBytes;
  if (size < end) throw cutOff(path, size, end);
  if (size > end) throw invalid(path, `it has ${size - end} bytes more than its header describes`);
  return { header, dataStart };
}

function openedFile(
  path: string,
  handle: FileHandle,
  { metadata, places }: SafetensorsHeader,
  dataStart: number,
): SafetensorsFile {
  const byName = new Map(places.map((place) => [place.name, place]));
  return {
    tensors: byName,
    metadata,
    read: async (name) => {
      const place = byName.get(name);
      if (place === undefined) throw invalid(path, `it holds no tensor "${name}"`);
      const { dtype, shape, start, end } = place;
      const bytes = new Uint8Array(end - start);
      const read = await readFully(handle, bytes, dataStart + start);
      if (read < bytes.length) throw cutOff(path, dataStart + start + read, dataStart + end);
      return { dtype, shape, data: arrayOf(dtype, bytes.buffer) };
    },
    close: () => handle.close(),
  };
}

const cutOff = (path: string, size: number, wanted: number): HooklineError =>
  invalid(path, `it is cut off: ${size} of ${wanted} bytes`);

function invalid(path: string, what: string, cause?: unknown): HooklineError {
  return new HooklineError('HKL_SAFETENSORS_INVALID', what, {
    who: path,
    fix: 'Copy or download the file again from where it came',
    cause,
  });
}
