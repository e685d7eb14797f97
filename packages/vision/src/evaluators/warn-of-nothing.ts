import type { Logger } from '@hookline/core';

/** Says that a detector has found nothing at all, which its metrics cannot tell from having found it badly. */
export function warnOfNothing(logger: Pick<Logger, 'warn'> | undefined, images: number): void {
  logger?.warn(`the model detects nothing in ${images} images: no score reaches the threshold yet`);
}
