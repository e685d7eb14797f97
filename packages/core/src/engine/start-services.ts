import type { PluginSet } from '../plugin/plugin-set.ts';
import { type Communicator, commRef } from '../services/communicator.ts';
import { stepRunnerRef } from '../services/core-services.ts';
import type { DiskOutputFolder } from '../services/output-folder.ts';
import { onFirstRank } from '../services/ranks.ts';
import { needsOutput } from './trainer-checks.ts';

/** Starts the communicator of a trainer: that of the process, unless a service replaces it. */
export async function startComm({ container }: PluginSet): Promise<Communicator> {
  await container.start(commRef, 'trainer');
  return container.get(commRef, 'trainer');
}

/** Makes the services that plugins and the loop require, once per trainer. */
export async function startServices(set: PluginSet, output: DiskOutputFolder, comm: Communicator): Promise<void> {
  if (needsOutput(set.arranged.map(({ plugin }) => plugin)))
    await onFirstRank(comm, () => output.assertWritable(), "the run's folder");
  if (set.container.has(stepRunnerRef)) await set.container.start(stepRunnerRef, 'trainer');
  await set.startServices();
}
