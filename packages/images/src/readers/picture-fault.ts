import { describeCause } from '@hookline/core';
import { readHead } from './read-head.ts';

/** Why a picture file cannot be used, and what to do about it. */
export interface PictureFault {
  /** A clause that begins with "it" or "there". */
  readonly what: string;
  readonly fix?: string;
}

/** Bytes read from the start of a file to recognise its format. */
const HEAD = 64;

/**
 * Explains why a picture file cannot be decoded. The decoder itself reports `unsupported image format` for a file of another kind,
 * for a file without read permission and for a file that does not exist.
 *
 * @param picture path of the file, or its content
 * @param cause the error that reading or decoding it threw
 */
export function pictureFault(picture: string | Uint8Array, cause: unknown): PictureFault {
  const { code } = (cause ?? {}) as { readonly code?: unknown };
  const known = typeof code === 'string' ? SYSTEM[code] : undefined;
  if (known !== undefined) return known;
  const head = typeof picture === 'string' ? readHead(picture, HEAD) : picture.subarray(0, HEAD);
  const kind = head === undefined ? undefined : strangeKind(head);
  return kind ?? { what: `it cannot be decoded: ${describeCause(cause).replace(/\s+/g, ' ').trim()}` };
}

const SYSTEM: Readonly<Record<string, PictureFault>> = {
  ENOENT: { what: 'there is no such file', fix: 'Check its path' },
  ENOTDIR: { what: 'there is no such file', fix: 'Check its path' },
  EISDIR: { what: 'it is a folder, not a file', fix: 'Name the pictures in it' },
  ...Object.fromEntries(
    ['EACCES', 'EPERM'].map((code) => [
      code,
      { what: `it may not be read (${code})`, fix: 'Give yourself the permission to read it: chmod u+r' },
    ]),
  ),
  ELOOP: { what: 'it is a link that leads back to itself', fix: 'Fix the link' },
};

/**
 * Recognises, by its first bytes, a file that cannot be decoded. Returns undefined for the formats that can be decoded and
 * for unknown ones.
 */
export function strangeKind(head: Uint8Array): PictureFault | undefined {
  const text = Buffer.from(head.subarray(0, HEAD)).toString('latin1');
  if (head.length === 0) return { what: 'it is empty', fix: 'Copy it again from its source' };
  if (head.every((byte) => byte === 0))
    return {
      what: 'it begins with zeros only, like a copy that was cut off',
      fix: 'Copy it again from its source',
    };
  const kind = PICTURES.find(({ at = 0, is }) => is.some((mark) => text.startsWith(mark, at)))?.kind;
  if (kind !== undefined) return { what: `it is a ${kind} picture, which cannot be decoded here`, fix: CONVERT };
  return OTHERS.find(([marks]) => marks.some((mark) => text.trimStart().toLowerCase().startsWith(mark)))?.[1];
}

const CONVERT = 'Convert it to JPEG or PNG, under the same name or with its annotations';

/** Picture formats that sharp does not decode, with their signatures and the offset `at` of these (default 0). */
const PICTURES: readonly { readonly kind: string; readonly at?: number; readonly is: readonly string[] }[] = [
  { kind: 'BMP', is: ['BM'] },
  { kind: 'HEIC', at: 4, is: ['heic', 'heix', 'hevc', 'hevx', 'heim', 'heis'].map((brand) => `ftyp${brand}`) },
  { kind: 'JPEG XL', is: ['\xff\x0a', '\0\0\0\x0cJXL '] },
  { kind: 'JPEG 2000', is: ['\0\0\0\x0cjP  ', '\xff\x4f\xff\x51'] },
  { kind: 'Photoshop', is: ['8BPS'] },
  { kind: 'ICO', is: ['\0\0\x01\0'] },
  { kind: 'raw camera', is: ['II*\0\x10\0\0\0CR', 'FUJIFILMCCD-RAW', 'IIRO', 'IIU\0'] },
];

/** Files that are not pictures, with their first characters in lower case. */
const OTHERS: readonly (readonly [begins: readonly string[], fault: PictureFault])[] = [
  [
    ['version https://git-lfs'],
    { what: 'it is a pointer of Git LFS, not the picture', fix: 'Fetch the pictures: git lfs pull' },
  ],
  [
    ['<!doctype html', '<html', '<head'],
    { what: 'it is a web page, not a picture: its download has failed', fix: 'Download it again' },
  ],
  [['%pdf'], { what: 'it is a PDF document, not a picture', fix: 'Convert its pages to JPEG or PNG' }],
  [['pk\x03\x04', '\x1f\x8b', 'rar!', '7z\xbc\xaf'], { what: 'it is an archive, not a picture', fix: 'Unpack it' }],
];
