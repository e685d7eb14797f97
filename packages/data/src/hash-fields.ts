import { createHash } from 'node:crypto';
import type { Field } from './as-field.ts';

/** Of arrays with more bytes, blocks all over them are looked at. */
const WHOLE_BYTES = 2 ** 24;
const BLOCK_BYTES = 2 ** 12;

/**
 * A short hash of arrays, by which runs and ranks find out that they have others. Of arrays beyond 16 MB it looks at blocks of 4 kB that
 * lie evenly all over them, 16 MB in all, so that it costs some hundredths of a second and may miss a change of a few samples.
 */
export function hashFields(fields: Readonly<Record<string, Field>>): string {
  const hash = createHash('sha256');
  for (const [name, { data, shape }] of Object.entries(fields)) {
    const bytes = bytesOf(data);
    hash.update(`${name} ${shape.join(' ')} ${bytes.byteLength}\n`);
    if (bytes.byteLength <= WHOLE_BYTES) {
      hash.update(bytes);
      continue;
    }
    const blocks = WHOLE_BYTES / BLOCK_BYTES;
    const last = bytes.byteLength - BLOCK_BYTES;
    for (let block = 0; block < blocks; block++) {
      const from = Math.floor((last * block) / (blocks - 1));
      hash.update(bytes.subarray(from, from + BLOCK_BYTES));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
