import type { ServiceContainer } from '../container/service-container.ts';
import { HooklineError } from '../errors.ts';
import type { Communicator } from '../services/communicator.ts';
import { stepRunnerRef } from '../services/core-services.ts';
import { onFirstRank } from '../services/ranks.ts';
import type { StepRunner } from '../step-runner.ts';

/** The step runner among a trainer's services. @throws HooklineError `HKL_STEP_MISSING` */
export function stepRunnerOf(container: ServiceContainer): StepRunner {
  if (container.has(stepRunnerRef)) return container.get(stepRunnerRef, 'trainer');
  throw new HooklineError('HKL_STEP_MISSING', 'nobody says what a step does', {
    who: 'trainer',
    fix: 'Give step: (step) => loss, or a plugin that provides the service "stepRunner"',
  });
}

/**
 * Steps of an epoch according to the step runner of the first rank: data that the ranks do not share may differ.
 *
 * @returns undefined where there is no runner, or where it does not know
 */
export async function epochLengthOf(container: ServiceContainer, comm: Communicator): Promise<number | undefined> {
  const length = (): number | null =>
    (container.has(stepRunnerRef) ? container.get(stepRunnerRef, 'trainer').epochLength : null) ?? null;
  return (await onFirstRank(comm, length, 'how many steps an epoch has')) ?? undefined;
}
