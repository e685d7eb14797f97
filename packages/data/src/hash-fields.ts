import { createHash } from 'node:crypto';
import type { Field } from './as-field.ts';

/** Arrays with more bytes are hashed by blocks that are spread over them. */
const WHOLE_BYTES = 2 ** 24;
const BLOCK_BYTES = 2 ** 12;

/**
 * A short hash of arrays, by which a run or a rank detects that it has different data. Arrays above 16 MB are hashed by evenly spaced blocks of 4 kB,
 * 16 MB in all. This takes some hundredths of a second, but may miss a change of a few samples.
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
