import type { HistogramEvent, ImageEvent } from '@hookline/core';
import type { WrittenScalar } from '../select-scalars.ts';
import { encodePng } from './png.ts';
import { MessageWriter } from './protobuf.ts';

// Field numbers are those of TensorFlow's event.proto and summary.proto.

/** The first event of every file. */
export function versionEvent(wallTime: number): MessageWriter {
  return new MessageWriter().double(1, wallTime).string(3, 'brain.Event:2');
}

/** Tells readers that the run goes on at `step` and that what other files hold from there on is void. */
export function restartEvent(wallTime: number, step: number): MessageWriter {
  return new MessageWriter().double(1, wallTime).int(2, step).message(7, new MessageWriter().int(1, 1));
}

/** An event of some values of one step, made by the functions below. */
export function summaryEvent(wallTime: number, step: number, values: readonly MessageWriter[]): MessageWriter {
  const summary = new MessageWriter();
  for (const value of values) summary.message(1, value);
  return new MessageWriter().double(1, wallTime).int(2, step).message(5, summary);
}

export function scalarValue({ name, value }: WrittenScalar): MessageWriter {
  return new MessageWriter().string(1, name).float(2, value);
}

export function imageValue(image: ImageEvent): MessageWriter {
  const { name, height, width, channels } = image;
  const encoded = new MessageWriter().int(1, height).int(2, width).int(3, channels).bytes(4, encodePng(image));
  return new MessageWriter().string(1, name).message(4, encoded);
}

export function histogramValue(histogram: HistogramEvent): MessageWriter {
  const { name, min, max, num, sum, sumSquares, bucketLimits, bucketCounts } = histogram;
  const encoded = new MessageWriter()
    .double(1, min)
    .double(2, max)
    .double(3, num)
    .double(4, sum)
    .double(5, sumSquares)
    .doubles(6, bucketLimits)
    .doubles(7, bucketCounts);
  return new MessageWriter().string(1, name).message(5, encoded);
}
