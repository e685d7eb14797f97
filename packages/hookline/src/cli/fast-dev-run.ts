import type { Logger } from '@hookline/core';
import type { CommandLine } from './command-line.ts';
import { EXIT, signalStatus } from './exit-status.ts';
import { withThrowawayTrainer } from './create-trainer.ts';
import { usageError } from './usage-error.ts';

/** Two steps, so that a second step runs in the state that the first one leaves. */
const STEPS = 2;

/**
 * `hookline train --fast-dev-run`: runs two steps and everything that happens at the end of a training, such as the evaluation and the last
 * checkpoint, in a temporary folder. It reveals mistakes in a minute that a training would reach after hours.
 *
 * @returns the exit status
 * @throws HooklineError `HKL_USAGE` if combined with --resume or --output, and whatever the training throws
 */
export async function fastDevRun(given: CommandLine, logger: Logger): Promise<number> {
  if (given.flag.resume || given.text.output !== undefined)
    throw usageError(
      `--fast-dev-run keeps nothing and cannot be combined with ${given.flag.resume ? '--resume' : '--output'}`,
      'Leave out one of them',
    );
  let exit = EXIT.ok as number;
  await withThrowawayTrainer('fast-dev-run', given, logger, async (trainer) => {
    await trainer.resumeOrLoad({ resume: false });
    const { status, iteration, reason } = await trainer.train({ maxIterations: STEPS });
    logger.status(undefined);
    if (status === 'interrupted') exit = signalStatus(reason);
    const steps = `${iteration} of ${STEPS} steps`;
    const end =
      status === 'completed'
        ? `completed ${steps} and the end of a training`
        : `${status} (${reason ?? 'on request'}) after ${steps}`;
    logger.info(`fast dev run: ${end}; nothing is kept`);
  });
  return exit;
}
