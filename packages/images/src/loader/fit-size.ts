/** A size in whole pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** How images are brought to the size of a batch: in proportion, or to all of it. */
export type Fit = 'inside' | 'stretch';

/** The size to decode an image to. */
export function fitSize(image: Size, frame: Size | undefined, fit: Fit): Size {
  if (frame === undefined) return { width: image.width, height: image.height };
  if (fit === 'stretch') return { width: frame.width, height: frame.height };
  const scale = Math.min(frame.width / image.width, frame.height / image.height);
  return {
    width: Math.max(1, Math.min(frame.width, Math.round(image.width * scale))),
    height: Math.max(1, Math.min(frame.height, Math.round(image.height * scale))),
  };
}
