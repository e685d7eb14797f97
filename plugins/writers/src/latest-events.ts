import type { EventStorage, ScalarEvent } from '@hookline/core';

/** What of a scalar is written: every value as it was put, or the newest at each writing, smoothed where hinted. */
export type WrittenValues = 'all' | 'latest';

/** A scalar as it is written. */
export interface WrittenScalar {
  readonly name: string;
  readonly value: number;
  readonly iteration: number;
}

/**
 * The scalars of a batch to be written.
 *
 * `latest` is what detectron2 writes: of each scalar the value put last, as the median over `windowSize` iterations
 * where the scalar is to be smoothed.
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

/** The scalars whose newest value belongs to an iteration: on resume, what the checkpoint knows of the one it goes on at. */
export function namesAt(storage: EventStorage, iteration: number): readonly string[] {
  return [...storage.latest()].filter(([, sample]) => sample.iteration === iteration).map(([name]) => name);
}
