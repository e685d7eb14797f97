import { failed, lastWords, skipped, used, type Attempt } from '../machine/attempt.ts';
import type { Machine } from '../machine/machine.ts';
import { runCommand } from '../machine/run-command.ts';
import { missingTensorFlowFile, readCudaBuild, type TensorFlowFiles } from '../find/tensorflow-files.ts';

/** Finds the package without importing it, which would take seconds. */
const FIND = `
import importlib.util, importlib.metadata, os, sys
spec = importlib.util.find_spec('tensorflow')
if spec is None or not spec.origin: sys.exit(3)
for name in ('tensorflow', 'tensorflow-cpu', 'tensorflow-intel', 'tf-nightly'):
    try:
        version = importlib.metadata.version(name)
        break
    except importlib.metadata.PackageNotFoundError: pass
else: sys.exit(3)
print(version)
print(os.path.dirname(spec.origin))
`;

/** Finds the TensorFlow that the Python on the path can import; it is used where it is. */
export async function findInstalledTensorFlow(
  machine: Machine,
  env: NodeJS.ProcessEnv,
): Promise<Attempt<TensorFlowFiles>> {
  if (machine.python === undefined) return skipped('Python was not found');
  const found = await runCommand(machine.python, ['-c', FIND], { timeoutMs: 20_000, env });
  if (found.code === 3) return skipped(`${machine.python} has no tensorflow`);
  if (!found.ok) return failed(`${found.problem}: ${lastWords(found.stderr, 1)}`);
  const [version, folder] = found.stdout.trim().split('\n');
  if (version === undefined || folder === undefined) return failed(`${machine.python} answered nothing`);
  const source = `the installation of ${machine.python}`;
  const missing = missingTensorFlowFile(folder);
  if (missing !== '') return failed(`${source} cannot be used: ${missing}`);
  return used({ version, folder, cudaBuild: readCudaBuild(folder), source, borrowed: true }, source);
}
