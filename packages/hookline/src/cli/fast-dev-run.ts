import type { Logger } from '@hookline/core';
import type { CommandLine } from './command-line.ts';
import { EXIT, signalStatus } from './exit-status.ts';
import { withThrowawayTrainer } from './throwaway-trainer.ts';
import { usageError } from './usage-error.ts';

/** Two, so that what the first step leaves is met by another one. */
const STEPS = 2;

/**
 * `hookline train --fast-dev-run`: two steps, and then all that happens at the end of a training, such as the evaluation and the last
 * checkpoint, in a folder that is removed. Mistakes that a training would come to after hours show in a minute.
 *
 * @returns the exit status
 * @throws HooklineError `HKL_USAGE` together with --resume or --output, and whatever the training throws
 */
export async function fastDevRun(given: CommandLine, logger: Logger): Promise<number> {
  if (given.flag.resume || given.text.output !== undefined)
    throw usageError(
      `--fast-dev-run keeps nothing, so ${given.flag.resume ? '--resume' : '--output'} means nothing beside it`,
      'Leave out one of them',
    );
  let exit = EXIT.ok as number;
  await withThrowawayTrainer('fast-dev-run', given, logger, async (trainer) => {
    await trainer.resumeOrLoad({ resume: false });
    const { status, iteration, reason } = await trainer.train({ maxIterations: STEPS });
    logger.status(undefined);
    if (status === 'interrupted') exit = signalStatus(reason);
    const end = status === 'completed' ? 'all of it went through' : `${status} (${reason ?? 'on request'})`;
    logger.info(`fast dev run: ${iteration} of ${STEPS} steps and what follows them; ${end}; nothing is kept`);
  });
  return exit;
}
