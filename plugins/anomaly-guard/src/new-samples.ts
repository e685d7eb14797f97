import type { EventStorage } from '@hookline/core';

/** A value with its iteration. */
export interface Sample {
  readonly iteration: number;
  readonly value: number;
}

/** The values of a scalar that were stored after an iteration, the oldest first; none if there is no such scalar. */
export function newSamples(storage: EventStorage, name: string, after: number): readonly Sample[] {
  if (!storage.names().includes(name)) return [];
  const history = storage.history(name);
  const samples: Sample[] = [];
  for (let number = history.count - 1; number >= history.count - history.length; number--) {
    const iteration = history.iterationAt(number);
    if (iteration <= after) break;
    samples.push({ iteration, value: history.valueAt(number) });
  }
  return samples.reverse();
}
