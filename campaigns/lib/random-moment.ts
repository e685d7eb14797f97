import { watch } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { Choices } from './campaign.ts';
import type { Training } from './training.ts';

/**
 * Waits for a moment to attack a training at: half of them come at any time after the start, the others when a temporary file is there.
 * The end of the training is one too.
 *
 * @param output folder of the run, in which temporary files are looked for
 * @param longest milliseconds after the start
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
