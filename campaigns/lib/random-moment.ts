import { watch } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { Choices } from './campaign.ts';
import type { Training } from './training.ts';

/**
 * Waits for a moment to attack a training: in half of the cases a random time after the start, in the others until a temporary file
 * appears. It resolves at the latest when the training ends.
 *
 * @param output folder of the run, which is watched for temporary files
 * @param longest greatest random delay after the start, in milliseconds
 */
export async function randomMoment(
  training: Training,
  output: string,
  choices: Choices,
  longest: number,
): Promise<void> {
  const isAimed = choices.int(2) === 0;
  const delay = choices.between(0, longest);
  const nth = 1 + choices.int(4);
  await training.begun;
  if (isAimed) {
    const stopped = new AbortController();
    let seen = 0;
    const watcher = watch(output, (_, name) => {
      if (name?.includes('.tmp') === true && ++seen === nth) stopped.abort();
    });
    await Promise.race([training.end, wait(5000, undefined, { signal: stopped.signal }).catch(() => undefined)]);
    watcher.close();
  } else await Promise.race([training.end, wait(delay)]);
}
