import { blankImage, requireSize, type Boxes, type Image, type Pixels } from './image.ts';
import { mapBoxes, type Transform } from './transform.ts';

/**
 * Resizes an image from `width` x `height` to `newWidth` x `newHeight` pixels bilinearly. When it shrinks, a new pixel averages all old
 * pixels that it covers.
 */
export class ResizeTransform implements Transform {
  readonly width: number;
  readonly height: number;
  readonly newWidth: number;
  readonly newHeight: number;

  constructor(width: number, height: number, newWidth: number, newHeight: number) {
    this.width = width;
    this.height = height;
    this.newWidth = newWidth;
    this.newHeight = newHeight;
  }

  applyImage<P extends Pixels>(image: Image<P>): Image<P> {
    requireSize('ResizeTransform', image, this.width, this.height);
    const { width, height, newWidth, newHeight } = this;
    const { channels } = image;
    const columns = filterWeights(width, newWidth);
    const rows = filterWeights(height, newHeight);
    const wide = new Float32Array(newWidth * height * channels);
    for (let y = 0; y < height; y++) {
      const source = image.data.subarray(y * width * channels, (y + 1) * width * channels);
      spread(source, wide, y * newWidth * channels, columns, channels);
    }
    const resized = blankImage(image, newWidth, newHeight);
    const whole = resized.data instanceof Uint8Array;
    const row = newWidth * channels;
    for (let y = 0; y < newHeight; y++) {
      const { first, weights } = rows[y] as Weights;
      for (let x = 0; x < row; x++) {
        let sum = 0;
        for (let tap = 0; tap < weights.length; tap++)
          sum += (weights[tap] as number) * (wide[(first + tap) * row + x] as number);
        resized.data[y * row + x] = whole ? sum + 0.5 : sum;
      }
    }
    return resized;
  }

  applyBoxes(boxes: Boxes): Boxes {
    const [scaleX, scaleY] = [this.newWidth / this.width, this.newHeight / this.height];
    return mapBoxes(boxes, (x, y, out) => {
      out[0] = x * scaleX;
      out[1] = y * scaleY;
    });
  }

  inverse(): ResizeTransform {
    return new ResizeTransform(this.newWidth, this.newHeight, this.width, this.height);
  }
}

/** The weights of the old pixels that make one new pixel. */
interface Weights {
  readonly first: number;
  readonly weights: Float64Array;
}

/** A triangle filter as wide as a new pixel, but at least as wide as an old one. */
function filterWeights(length: number, newLength: number): Weights[] {
  const scale = length / newLength;
  const reach = Math.max(scale, 1);
  return Array.from({ length: newLength }, (_, place) => {
    const center = (place + 0.5) * scale;
    const first = Math.max(0, Math.floor(center - reach + 0.5));
    const end = Math.min(length, Math.max(first + 1, Math.floor(center + reach + 0.5)));
    const weights = Float64Array.from({ length: end - first }, (_, tap) =>
      Math.max(0, 1 - Math.abs(first + tap + 0.5 - center) / reach),
    );
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: sum > 0 ? weights.map((weight) => weight / sum) : weights.fill(1 / weights.length) };
  });
}

function spread(
  source: Pixels,
  target: Float32Array,
  start: number,
  filters: readonly Weights[],
  channels: number,
): void {
  let to = start;
  for (const { first, weights } of filters) {
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0;
      for (let tap = 0; tap < weights.length; tap++)
        sum += (weights[tap] as number) * (source[(first + tap) * channels + channel] as number);
      target[to++] = sum;
    }
  }
}
