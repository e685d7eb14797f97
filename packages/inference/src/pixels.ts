import { InferenceError } from './inference-error.ts';

/** Pixels, row by row from the top: red, green and blue bytes, or also alpha as in an `ImageData`. */
export interface Pixels {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** A picture: its pixels, or an object that a canvas can draw. */
export type PictureSource =
  Pixels | HTMLImageElement | HTMLCanvasElement | HTMLVideoElement | ImageBitmap | OffscreenCanvas;

/** A picture of red, green and blue bytes. */
export interface Rgb {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/**
 * Reads the pixels of a picture at its own size. Transparent pixels are blended with white, as in training.
 *
 * @throws InferenceError `HKL_INFERENCE_PICTURE` for a picture without pixels
 */
export function readPixels(source: PictureSource): Rgb {
  const { data, width, height } = isPixels(source) ? source : draw(source);
  const count = width * height;
  if (!(count > 0) || (data.length !== count * 4 && data.length !== count * 3))
    throw new InferenceError('HKL_INFERENCE_PICTURE', `${data.length} bytes are not a picture of ${width} x ${height}`);
  if (data.length === count * 3) return { data: new Uint8Array(data), width, height };
  const rgb = new Uint8Array(count * 3);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    const alpha = data[from + 3] as number;
    for (let channel = 0; channel < 3; channel++) {
      const value = data[from + channel] as number;
      // Rounded down, as sharp does in training.
      rgb[to + channel] = Math.floor((value * alpha + 255 * (255 - alpha)) / 255);
    }
  }
  return { data: rgb, width, height };
}

const isPixels = (source: PictureSource): source is Pixels =>
  ArrayBuffer.isView((source as Partial<Pixels>).data) && typeof source.width === 'number';

/** Draws a picture at its own size and reads the pixels back. */
function draw(source: Exclude<PictureSource, Pixels>): Pixels {
  const { naturalWidth, naturalHeight } = source as Partial<HTMLImageElement>;
  const { videoWidth, videoHeight } = source as Partial<HTMLVideoElement>;
  const width = naturalWidth ?? videoWidth ?? source.width;
  const height = naturalHeight ?? videoHeight ?? source.height;
  if (!(width > 0 && height > 0))
    throw new InferenceError('HKL_INFERENCE_PICTURE', 'the picture has not been loaded, or the video has not begun');
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) throw new InferenceError('HKL_INFERENCE_PICTURE', 'there is no canvas to read pixels from');
  context.drawImage(source, 0, 0);
  return context.getImageData(0, 0, width, height);
}
