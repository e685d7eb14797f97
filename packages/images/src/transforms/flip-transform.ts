import { blankImage, requireSize, type Boxes, type Image, type Pixels } from './image.ts';
import { mapBoxes, type Transform } from './transform.ts';
import { wordsOf } from './words.ts';

/** Mirrors an image: `horizontal` swaps left and right (x becomes width - x), `vertical` swaps top and bottom. */
export class FlipTransform implements Transform {
  readonly direction: 'horizontal' | 'vertical';
  readonly width: number;
  readonly height: number;

  constructor(direction: 'horizontal' | 'vertical', width: number, height: number) {
    this.direction = direction;
    this.width = width;
    this.height = height;
  }

  applyImage<P extends Pixels>(image: Image<P>): Image<P> {
    requireSize('FlipTransform', image, this.width, this.height);
    const { data, width, height, channels } = image;
    const flipped = blankImage(image, width, height);
    const row = width * channels;
    if (this.direction === 'horizontal') mirrorRows(data, flipped.data, row, channels);
    else
      for (let y = 0; y < height; y++) flipped.data.set(data.subarray(y * row, (y + 1) * row), (height - 1 - y) * row);
    return flipped;
  }

  applyBoxes(boxes: Boxes): Boxes {
    const horizontal = this.direction === 'horizontal';
    return mapBoxes(boxes, (x, y, out) => {
      out[0] = horizontal ? this.width - x : x;
      out[1] = horizontal ? y : this.height - y;
    });
  }

  inverse(): this {
    return this;
  }
}

function mirrorRows(from: Pixels, to: Pixels, row: number, channels: number): void {
  if (channels === 3 && row % 4 === 0 && from instanceof Uint8Array && to instanceof Uint8Array) {
    const [source, target] = [wordsOf(from), wordsOf(to)];
    if (source !== undefined && target !== undefined) {
      mirrorColors(source, target, row / 4);
      return;
    }
  }
  for (let start = 0; start < from.length; start += row) {
    let target = start + row - channels;
    for (let source = start; target >= start; target -= 2 * channels)
      for (let channel = 0; channel < channels; channel++) to[target++] = from[source++] as number;
  }
}

/** Mirrors rows that consist of whole 32-bit words; three words hold four pixels. */
function mirrorColors(from: Int32Array, to: Int32Array, row: number): void {
  for (let start = 0; start < from.length; start += row) {
    for (let source = start, target = start + row - 3; target >= start; source += 3, target -= 3) {
      const [a, b, c] = [from[source] as number, from[source + 1] as number, from[source + 2] as number];
      to[target] = (c >>> 8) | ((b & 0xff0000) << 8);
      to[target + 1] = (b >>> 24) | ((c & 0xff) << 8) | ((a >>> 24) << 16) | (b << 24);
      to[target + 2] = ((b >>> 8) & 0xff) | (a << 8);
    }
  }
}
