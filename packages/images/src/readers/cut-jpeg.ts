import { loadSharp } from '../load-sharp.ts';

/** Longer side, in pixels, to which a picture is shrunk before it is inspected. */
const SIDE = 64;
/** Largest difference of brightness (0 to 255) at which pixels count as equal. */
const FLAT = 2;

/** What is wrong with a JPEG about which the decoder warns. */
export type JpegDamage = 'cut' | 'warned';

/**
 * Inspects a JPEG for damage that makes the decoder warn but not fail. One such case is a file that was truncated and then
 * given an end marker, as some tools and file systems do: its missing rows decode to a single colour.
 *
 * @param bytes the whole file
 * @returns `cut` when the last rows are missing, `warned` for other damage, undefined for a sound file
 * @throws Error of the decoder when the picture cannot be decoded at all
 */
export async function jpegDamage(bytes: Uint8Array): Promise<JpegDamage | undefined> {
  const sharp = await loadSharp();
  const shrunk = (failOn: 'warning' | 'error') =>
    sharp(bytes, { failOn }).resize({ width: SIDE, height: SIDE, fit: 'inside', kernel: 'nearest' });
  try {
    await shrunk('warning').raw().toBuffer();
    return undefined;
  } catch {
    // The message is of no use: libvips keeps one error text for all images that are being decoded.
    const { data, info } = await shrunk('error').greyscale().raw().toBuffer({ resolveWithObject: true });
    const last = data.subarray(-info.width * info.channels);
    return Math.max(...last) - Math.min(...last) <= FLAT ? 'cut' : 'warned';
  }
}
