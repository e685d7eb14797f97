import { blankImage, requireSize, type Boxes, type Image, type Pixels } from './image.ts';
import { mapBoxes, type Transform } from './transform.ts';

/** Mirrors left and right (`horizontal`: x becomes width - x) or top and bottom (`vertical`). */
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
    const to = flipped.data;
    for (let y = 0; y < height; y++) {
      if (this.direction === 'vertical') {
        to.set(data.subarray(y * row, (y + 1) * row), (height - 1 - y) * row);
        continue;
      }
      let target = (y + 1) * row - channels;
      for (let source = y * row; target >= y * row; target -= 2 * channels)
        for (let channel = 0; channel < channels; channel++) to[target++] = data[source++] as number;
    }
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
