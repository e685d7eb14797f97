import { crc32, deflateSync } from 'node:zlib';
import { HooklineError } from '@hookline/core';

/** Bytes from 0 to 255, rows from the top, pixels from the left, channels within a pixel. */
export interface Pixels {
  readonly data: Uint8Array;
  readonly height: number;
  readonly width: number;
  /** 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha. */
  readonly channels: number;
}

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** By number of channels. */
const COLOR_TYPES = [undefined, 0, 4, 2, 6] as const;

/** An image as a PNG file of 8 bits per channel. @throws HKL_IMAGE for another number of channels than 1 to 4 */
export function encodePng({ data, height, width, channels }: Pixels): Uint8Array {
  const colorType = COLOR_TYPES[channels];
  if (colorType === undefined) {
    throw new HooklineError('HKL_IMAGE', `a PNG cannot have ${channels} channels`, { fix: 'Give 1 to 4 channels' });
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, colorType, 0, 0, 0], 8);
  const stride = width * channels;
  // Each row begins with the number of its filter; 0 is none.
  const rows = new Uint8Array(height * (stride + 1));
  for (let y = 0; y < height; y++) rows.set(data.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(data.length + 12);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, 'latin1');
  bytes.set(data, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, data.length + 8)), data.length + 8);
  return bytes;
}
