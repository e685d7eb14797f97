/** Whether the machine is little-endian, as nearly all are. */
const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/**
 * Views bytes as little-endian 32-bit words. Each array access has a cost in JavaScript, so loops over words are faster: a table
 * lookup or a flip takes half the time or less. Up to three bytes at the end are not covered.
 *
 * @returns undefined when the bytes are not word-aligned or the machine is big-endian
 */
export const wordsOf = (data: Uint8Array): Int32Array | undefined =>
  LITTLE_ENDIAN && data.byteOffset % 4 === 0
    ? new Int32Array(data.buffer, data.byteOffset, data.length >> 2)
    : undefined;

/** Packs each pixel of three bytes into one number, first byte lowest, and appends a black pixel. */
export function packColors(data: Uint8Array): Int32Array {
  const count = Math.floor(data.length / 3);
  const packed = new Int32Array(count + 1);
  const words = wordsOf(data);
  // Three words contain four pixels.
  const groups = words === undefined ? 0 : Math.floor(words.length / 3);
  if (words !== undefined) unpackWords(words, packed, groups);
  for (let pixel = groups * 4, at = pixel * 3; pixel < count; pixel++, at += 3)
    packed[pixel] = (data[at] as number) | ((data[at + 1] as number) << 8) | ((data[at + 2] as number) << 16);
  return packed;
}

function unpackWords(words: Int32Array, packed: Int32Array, groups: number): void {
  for (let group = 0, at = 0, to = 0; group < groups; group++, at += 3, to += 4) {
    const [a, b, c] = [words[at] as number, words[at + 1] as number, words[at + 2] as number];
    packed[to] = a & 0xffffff;
    packed[to + 1] = (a >>> 24) | ((b & 0xffff) << 8);
    packed[to + 2] = (b >>> 16) | ((c & 0xff) << 16);
    packed[to + 3] = c >>> 8;
  }
}
