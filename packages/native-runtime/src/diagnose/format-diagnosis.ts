import { existsSync, realpathSync } from 'node:fs';
import type { Diagnosis } from './diagnose.ts';

/** Prints a diagnosis for people: what will be used first, then what it rests on, then what would be faster. */
export function formatDiagnosis(diagnosis: Diagnosis): string {
  const { device, machine, native, cuda, cache, missingForWebGpu, advice } = diagnosis;
  const { runtime, verification, problem, packages } = native;
  const rows: [string, string][] = [
    ['will use', `${device.kind}: ${device.engine} (${device.reason})`],
    ['proof', verification === undefined ? `none: ${problem}` : describeProof(verification)],
    ['node', `${machine.node} on ${machine.platform}, Node-API ${String(machine.napi)}`],
    [
      'package',
      packages.map(({ name, version, folder }) => `${name} ${version} in ${folder}`).join('; ') || 'not installed',
    ],
    [
      'addon',
      runtime === undefined
        ? 'none'
        : `${runtime.bindingPath}${runtime.via === 'cache' ? ' (handed over at load time)' : ''}`,
    ],
    ['gpu', describeGpus(machine.gpus)],
    ...describeCuda(cuda),
    ['compiler', machine.compiler ?? 'none found'],
    [
      'python',
      machine.python === undefined ? 'none found' : `${machine.python}, ${machine.pip ? 'with' : 'without'} pip`,
    ],
    ['webgpu', missingForWebGpu.length === 0 ? 'installed' : `not installed: ${missingForWebGpu.join(', ')}`],
    ['cache', `${cache.folder}: ${describeBuilds(cache.bindings)}`],
    [
      'faster?',
      advice.length === 0 ? 'nothing to do: this is the fastest that this machine allows' : advice.join('; '),
    ],
  ];
  return rows.map(([name, text]) => `${name.padEnd(9)} ${text}`).join('\n');
}

function describeProof({ stepMs, lossBefore, lossAfter }: NonNullable<Diagnosis['native']['verification']>): string {
  return `a train step of a small network takes ${stepMs.toFixed(1)} ms, loss ${lossBefore.toFixed(3)} to ${lossAfter.toFixed(3)}`;
}

function describeGpus({ names, cuda, driver }: Diagnosis['machine']['gpus']): string {
  return names.length === 0
    ? `no NVIDIA GPU found${driver === undefined ? '' : `, though there is a driver (${driver})`}`
    : `${names.join(', ')}; the driver supports CUDA ${cuda ?? 'unknown'}`;
}

/** A line in short, then one per library with the file that TensorFlow opens, or why it opens none. */
function describeCuda(cuda: Diagnosis['cuda']): [string, string][] {
  const libraries = cuda?.libraries;
  if (libraries === undefined) return [['cuda', cuda === undefined || cuda.problem === '' ? 'unknown' : cuda.problem]];
  const all = [libraries.driver, ...libraries.libraries];
  const width = Math.max(...all.map(({ name }) => name.length));
  const { missing } = libraries;
  const short = missing.length === 0 ? 'every library that a GPU needs opens' : `missing: ${missing.join('; ')}`;
  const lines = all.map(({ name, path, problem, needed, use }): [string, string] => {
    const found = problem === '' ? realPath(path ?? '') : `FAIL ${problem.replace(`${name}: `, '')}`;
    return ['', `${name.padEnd(width)}  ${found}${problem === '' || needed ? '' : ` (needed by ${use} only)`}`];
  });
  return [['cuda', short], ...lines];
}

function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}

function describeBuilds(bindings: Diagnosis['cache']['bindings']): string {
  if (bindings.length === 0) return 'no build';
  return bindings
    .map(
      ({ tensorflow, source, verified }) =>
        `TensorFlow ${tensorflow} from ${source}, verified ${verified.slice(0, 10)}`,
    )
    .join('; ');
}
