import type { EventStorage, ScalarEvent } from '@hookline/core';

/** Which values of a scalar are written: every value, or the newest at each write, smoothed if the scalar asks for it. */
export type WrittenValues = 'all' | 'latest';

/** A scalar value to be written. */
export interface WrittenScalar {
  readonly name: string;
  readonly value: number;
  readonly iteration: number;
}

/**
 * The scalars of a batch that are to be written.
 *
 * `latest` is what detectron2 writes: the last value of each scalar, or the median over `windowSize` iterations
 * if the scalar is to be smoothed.
 */
export function selectScalars(
  events: readonly ScalarEvent[],
  { values, windowSize }: { readonly values: WrittenValues; readonly windowSize: number },
): readonly WrittenScalar[] {
  if (values === 'all') return events;
  const newest = new Map<string, ScalarEvent>();
  for (const event of events) newest.set(event.name, event);
  return [...newest.values()]
    .map((event) => ({ name: event.name, iteration: event.iteration, value: event.smoothed(windowSize) }))
    .sort((a, b) => a.iteration - b.iteration);
}

/** The scalars whose newest value belongs to an iteration. On resume, these are the checkpoint's values for the iteration at which the run continues. */
export function namesAt(storage: EventStorage, iteration: number): readonly string[] {
  return [...storage.latest()].filter(([, sample]) => sample.iteration === iteration).map(([name]) => name);
}
