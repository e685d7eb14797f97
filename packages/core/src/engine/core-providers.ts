import { provide, type Provider } from '../container/provider.ts';
import type { HookSite } from '../hooks/hook-site.ts';
import type { EngineHookSet } from '../hooks/hook-table.ts';
import type { RandomStreams } from '../random/random-streams.ts';
import { backgroundRef } from '../services/background.ts';
import type { BackgroundQueues } from '../services/background-queues.ts';
import { commRef, communicator } from '../services/communicator.ts';
import { type Control, controlRef } from '../services/control.ts';
import {
  checkpointsRef,
  evaluationRef,
  engineHooksRef,
  randomRef,
  storageRef,
  tapsRef,
} from '../services/core-services.ts';
import { type EpochClock, epochsFor, epochsRef } from '../services/epochs.ts';
import type { Evaluation } from '../services/evaluation.ts';
import { type Logger, loggerRef, pluginLogger } from '../services/logger.ts';
import { type OutputFolder, outputRef } from '../services/output-folder.ts';
import { trainerHandle, trainerRef, type TrainerView } from '../services/trainer-handle.ts';
import type { Checkpoints } from '../services/checkpoints.ts';
import type { EventStorage } from '../events/event-storage.ts';

/** The objects behind the engine's services. None of them may refer to the trainer, or plugins would keep it alive. */
export interface CoreServices {
  readonly trainer: WeakRef<TrainerView>;
  readonly hooks: EngineHookSet;
  readonly site: HookSite;
  readonly storage: EventStorage;
  readonly random: RandomStreams;
  readonly control: Control;
  readonly epochs: EpochClock;
  readonly logger: Logger;
  readonly output: OutputFolder;
  readonly checkpoints: Checkpoints;
  readonly evaluation: Evaluation;
  readonly background: BackgroundQueues;
}

/** The services that every trainer has. */
export function coreProviders(engine: CoreServices): readonly Provider[] {
  const { trainer, hooks, site, storage, random, control, logger, output, checkpoints, evaluation } = engine;
  const { background, epochs } = engine;
  return [
    provide(engineHooksRef, () => hooks),
    provide(commRef, () => communicator()),
    provide(trainerRef, () => (plugin) => trainerHandle(plugin, trainer)),
    provide(storageRef, () => storage),
    provide(controlRef, () => control),
    provide(epochsRef, () => (plugin) => epochsFor(plugin, epochs)),
    provide(randomRef, () => (plugin) => random.stream(plugin)),
    provide(loggerRef, () => (plugin) => pluginLogger(logger, plugin)),
    provide(outputRef, () => output),
    provide(checkpointsRef, () => checkpoints),
    provide(evaluationRef, () => evaluation),
    provide(backgroundRef, () => (plugin) => background.of(plugin)),
    provide(tapsRef, () => ({
      observe: (observer) => site.observe(observer),
      checkAfterTaps: (check) => {
        site.tapCheck = check;
      },
    })),
  ];
}
