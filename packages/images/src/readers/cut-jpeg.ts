import { loadSharp } from '../load-sharp.ts';

/** Pixels of the longer side at which a picture is looked at. */
const SIDE = 64;
/** Brightness values within which pixels count as the same. */
const FLAT = 2;

/** What became of a JPEG that a decoder complains of. */
export type JpegDamage = 'cut' | 'warned';

/**
 * Looks at a JPEG that decodes, but about which the decoder has something to say. A file that was cut short and given an end
 * afterwards, as some tools and file systems do, is such a one: its missing rows come out in one colour.
 *
 * @param bytes of the whole file
 * @returns `cut` where the last rows are missing, `warned` where nothing is to be seen; undefined for a sound file
 */
export async function jpegDamage(bytes: Uint8Array): Promise<JpegDamage | undefined> {
  const sharp = await loadSharp();
  const shrunk = (failOn: 'warning' | 'error') =>
    sharp(bytes, { failOn }).resize({ width: SIDE, height: SIDE, fit: 'inside', kernel: 'nearest' });
  try {
    await shrunk('warning').raw().toBuffer();
    return undefined;
  } catch {
    // The words are of no use: libvips keeps one text for all images that are decoded at a time.
    const { data, info } = await shrunk('error').greyscale().raw().toBuffer({ resolveWithObject: true });
    const last = data.subarray(-info.width * info.channels);
    return Math.max(...last) - Math.min(...last) <= FLAT ? 'cut' : 'warned';
  }
}
