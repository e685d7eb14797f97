import { maskedCrc32c } from './crc32c.ts';

/** Frames data as one record of a TensorFlow record file: length, its masked CRC, the data, their masked CRC. */
export function frameRecord(data: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(data.length + 16);
  bytes.writeBigUInt64LE(BigInt(data.length), 0);
  bytes.writeUInt32LE(maskedCrc32c(bytes.subarray(0, 8)), 8);
  bytes.set(data, 12);
  bytes.writeUInt32LE(maskedCrc32c(data), data.length + 12);
  return bytes;
}
