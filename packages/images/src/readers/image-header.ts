import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { READ_AT_ONCE } from './read-head.ts';

/** The header of an image, with the names of sharp's metadata. Sizes are in pixels, as stored. */
export interface ImageHeader {
  readonly format: string;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly hasAlpha: boolean;
  readonly orientation?: number | undefined;
}

/** A header together with the file's stats. */
export interface ReadHeader {
  readonly stats: Stats;
  /** Undefined when only a decoder can read it: other formats, rare variants of JPEG and PNG, and files without an end marker. */
  readonly header: ImageHeader | undefined;
  /** The header is sound but the end marker is missing: the file may be truncated. */
  readonly isOpen: boolean;
}

/** Bytes that are read at a time. Most headers fit into the first window. */
const WINDOW = 4096;
const TAIL = 1024;
const [windowBytes, tailBytes] = [Buffer.allocUnsafeSlow(WINDOW), Buffer.allocUnsafeSlow(TAIL)];
const JPEG_END = Buffer.of(0xff, 0xd9);
const PNG_SIGNATURE = Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/**
 * Reads the header and the end of a JPEG or PNG file. This takes a tenth of the time of a decoder or of asynchronous reads,
 * which matters for data sets with a hundred thousand images.
 *
 * @throws Error of the file system
 */
export function readImageHeader(file: string): ReadHeader {
  const handle = openSync(file, READ_AT_ONCE);
  try {
    const stats = fstatSync(handle);
    if (!stats.isFile() || stats.size < 16) return { stats, header: undefined, isOpen: false };
    const header = parseHeader(new HeaderBytes(handle));
    if (header === undefined) return { stats, header, isOpen: false };
    const length = readSync(handle, tailBytes, 0, TAIL, Math.max(0, stats.size - TAIL));
    const isClosed = tailBytes.subarray(0, length).includes(header.format === 'jpeg' ? JPEG_END : 'IEND');
    return { stats, header: isClosed ? header : undefined, isOpen: !isClosed };
  } finally {
    closeSync(handle);
  }
}

/**
 * Parses the header of a JPEG or PNG from the bytes of the file, in a sixth of a decoder's time.
 *
 * @returns undefined when only a decoder can read it
 */
export function imageHeaderOf(content: Uint8Array): ImageHeader | undefined {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  return parseHeader({
    at: (place, least) => (place + least > bytes.length ? undefined : bytes.subarray(place)),
  });
}

function parseHeader(source: HeaderSource): ImageHeader | undefined {
  const kind = source.at(0, 16);
  if (kind?.[0] === 0xff && kind[1] === 0xd8) return jpegHeader(source);
  return kind?.subarray(0, 8).equals(PNG_SIGNATURE) === true ? pngHeader(source) : undefined;
}

/** Random access to the bytes of an image. */
interface HeaderSource {
  /** At least `least` bytes from offset `place`; undefined when there are fewer. */
  at(place: number, least: number): Buffer | undefined;
}

/** The bytes of a file, read in windows. */
class HeaderBytes implements HeaderSource {
  readonly #handle: number;
  #start = 0;
  #end = 0;

  constructor(handle: number) {
    this.#handle = handle;
  }

  at(place: number, least: number): Buffer | undefined {
    if (place < this.#start || place + least > this.#end) {
      this.#start = place;
      this.#end = place + readSync(this.#handle, windowBytes, 0, WINDOW, place);
    }
    return place + least > this.#end ? undefined : windowBytes.subarray(place - this.#start, this.#end - this.#start);
  }
}

function jpegHeader(source: HeaderSource): ImageHeader | undefined {
  let orientation: number | undefined;
  for (let place = 2; ;) {
    const bytes = source.at(place, 12);
    if (bytes?.[0] !== 0xff) return undefined;
    const marker = bytes[1] as number;
    // Fill bytes of 0xff may precede a marker.
    if (marker === 0xff) {
      place++;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) {
      const [height, width, channels] = [bytes.readUInt16BE(5), bytes.readUInt16BE(7), bytes[9] as number];
      if (width === 0 || height === 0 || (channels !== 1 && channels !== 3)) return undefined;
      return { format: 'jpeg', width, height, channels, hasAlpha: false, orientation };
    }
    // Pixel data, or a marker without a length, must not come before the frame header.
    if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xda)) return undefined;
    const length = bytes.readUInt16BE(2);
    if (length < 2) return undefined;
    if (marker === 0xe1 && bytes.toString('latin1', 4, 8) === 'Exif') {
      const exif = orientationOf(source.at(place, Math.min(length + 2, WINDOW)), length + 2);
      if (exif === 'unclear') return undefined;
      orientation ??= exif;
    }
    place += 2 + length;
  }
}

/** The orientation in an EXIF segment; `unclear` when it is malformed or not within the window. */
function orientationOf(segment: Buffer | undefined, length: number): number | undefined | 'unclear' {
  if (segment === undefined) return 'unclear';
  const tiff = segment.subarray(10, length);
  if (tiff.length < 8) return 'unclear';
  const isLittle = tiff.toString('latin1', 0, 2) === 'II';
  const short = (at: number): number => (isLittle ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const directory = isLittle ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  if (directory + 2 > tiff.length) return 'unclear';
  const entries = short(directory);
  if (directory + 2 + entries * 12 > tiff.length) return 'unclear';
  for (let entry = 0; entry < entries; entry++) {
    const at = directory + 2 + entry * 12;
    if (short(at) !== 0x0112) continue;
    const value = short(at + 8);
    return short(at + 2) === 3 && value >= 1 && value <= 8 ? value : 'unclear';
  }
  return undefined;
}

/** Channels of a PNG by its colour type; palette images (type 3) are left to the decoder. */
const PNG_CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 4: 2, 6: 4 };

function pngHeader(source: HeaderSource): ImageHeader | undefined {
  const first = source.at(0, 33);
  if (first?.toString('latin1', 12, 16) !== 'IHDR') return undefined;
  const [width, height, color] = [first.readUInt32BE(16), first.readUInt32BE(20), first[25] as number];
  const channels = PNG_CHANNELS[color];
  if (channels === undefined || width === 0 || height === 0) return undefined;
  for (let place = 8; ;) {
    const bytes = source.at(place, 8);
    if (bytes === undefined) return undefined;
    const chunk = bytes.toString('latin1', 4, 8);
    if (chunk === 'IDAT') return { format: 'png', width, height, channels, hasAlpha: channels % 2 === 0 };
    // A file with a transparent colour or an EXIF orientation is left to the decoder.
    if (chunk === 'tRNS' || chunk === 'eXIf') return undefined;
    place += 12 + bytes.readUInt32BE(0);
  }
}
