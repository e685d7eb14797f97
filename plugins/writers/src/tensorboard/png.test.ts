import { crc32, inflateSync } from 'node:zlib';
import { encodePng } from './png.ts';

/** The chunks of a PNG file by type, with their CRCs checked. */
function chunksOf(png: Uint8Array): Map<string, Buffer> {
  const bytes = Buffer.from(png);
  expect(bytes.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n');
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    const end = at + 8 + length;
    expect(bytes.readUInt32BE(end)).toBe(crc32(bytes.subarray(at + 4, end)));
    chunks.set(bytes.toString('latin1', at + 4, at + 8), bytes.subarray(at + 8, end));
    at = end + 4;
  }
  return chunks;
}

describe('encodePng', () => {
  it.each([
    [1, 0],
    [2, 4],
    [3, 2],
    [4, 6],
  ])('keeps every byte of %p channels, colour type %p', (channels, colorType) => {
    const data = Uint8Array.from({ length: 2 * 3 * channels }, (_, i) => i * 7);
    const chunks = chunksOf(encodePng({ data, height: 2, width: 3, channels }));
    expect([...chunks.keys()]).toEqual(['IHDR', 'IDAT', 'IEND']);
    expect([...(chunks.get('IHDR') ?? [])]).toEqual([0, 0, 0, 3, 0, 0, 0, 2, 8, colorType, 0, 0, 0]);
    const rows = inflateSync(chunks.get('IDAT') ?? Buffer.alloc(0));
    const stride = 3 * channels;
    expect([...rows]).toEqual([0, ...data.subarray(0, stride), 0, ...data.subarray(stride)]);
  });

  it('refuses other numbers of channels', () => {
    expect(() => encodePng({ data: new Uint8Array(5), height: 1, width: 1, channels: 5 })).toThrow(/5 channels/);
  });
});
