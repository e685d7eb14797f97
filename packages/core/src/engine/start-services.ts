import type { PluginSet } from '../plugin/plugin-set.ts';
import { stepRunnerRef } from '../services/core-services.ts';
import type { DiskOutputFolder } from '../services/output-folder.ts';
import { needsOutput } from './trainer-checks.ts';

/** Makes what plugins and the loop ask for, once per trainer. */
export async function startServices(set: PluginSet, output: DiskOutputFolder): Promise<void> {
  if (needsOutput(set.arranged.map(({ plugin }) => plugin))) await output.assertWritable();
  if (set.container.has(stepRunnerRef)) await set.container.start(stepRunnerRef, 'trainer');
  await set.startServices();
}
