import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CUDA_LIBRARIES } from './cuda-libraries.ts';
import type { CudaWheel } from './cuda-wheels.ts';
import { compileLibraryProbe } from './library-probe.ts';
import { inspectMachine, type Machine } from '../machine/machine.ts';

/** Opens libraries as TensorFlow does: the framework's library asks, and the loader looks into that one's folders. */
const FRAMEWORK = `
#include <dlfcn.h>
#include <stdio.h>
static char message[1000];
const char *open_library(const char *name) {
  if (dlopen(name, RTLD_NOW)) return 0;
  snprintf(message, sizeof message, "%s", dlerror());
  return message;
}`;
const API = `
const char *open_library(const char *);
static const char *problem;
void *TF_NewStatus(void) { return &problem; }
int TF_GetCode(const void *status) { return problem ? 5 : 0; }
const char *TF_Message(const void *status) { return problem; }
void *TF_LoadLibrary(const char *name, void *status) { problem = open_library(name); return 0; }`;
/** The folders of TensorFlow's own wheel, which lack that of cuSOLVER. */
const SEARCHED = ['nccl', 'cuda_cupti', 'cublas', 'cudnn', 'cufft', 'cusparse', 'cuda_runtime', 'nvshmem'];

const MAKE_WHEEL = `
import os, sys, zipfile
target, name, version, *members = sys.argv[1:]
info = '%s-%s.dist-info/' % (name.replace('-', '_'), version)
with zipfile.ZipFile(target, 'w') as wheel:
    for member in members:
        path, source = member.split('=')
        wheel.write(source, path)
    wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n' % (name, version))
    wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: false\\nTag: py3-none-manylinux_2_27_x86_64\\n')
    wheel.writestr(info + 'RECORD', '')
`;

/** Little libraries under the names of CUDA's, a TensorFlow that opens them, and an index of wheels that hold them. */
export interface CudaFakes {
  readonly root: string;
  readonly machine: Machine;
  /** What pip and the cache see. */
  readonly env: NodeJS.ProcessEnv;
  /** A library that opens; its content is the same for every name. */
  readonly library: string;
  readonly wheels: readonly CudaWheel[];
  readonly index: string;
  compile(source: string, output: string, ...flags: string[]): void;
  /** A fresh folder as a binding of the cache has it, with TensorFlow's libraries and the program that opens others. */
  entry(): Promise<string>;
}

export async function cudaFakes(): Promise<CudaFakes> {
  const root = temporaryFolder();
  const machine = await inspectMachine();
  const index = join(root, 'index');
  const env = {
    ...process.env,
    HOOKLINE_CACHE: join(root, 'cache'),
    PIP_NO_INDEX: '1',
    PIP_FIND_LINKS: index,
    PIP_CONFIG_FILE: '/dev/null',
    LD_LIBRARY_PATH: '',
  };
  for (const folder of [index, join(root, 'cache', 'native')]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const compile: CudaFakes['compile'] = (source, output, ...flags) => {
    const file = join(root, `${basename(output)}.c`);
    writeFileSync(file, source);
    execFileSync(machine.compiler ?? 'c++', [
      '-x',
      'c',
      '-w',
      '-fPIC',
      '-shared',
      file,
      '-x',
      'none',
      '-o',
      output,
      ...flags,
    ]);
  };
  const library = join(root, 'library.so');
  compile('int answer(void) { return 42; }', library);
  const wheels = makeWheels(root, index, library, machine);
  let entries = 0;
  return {
    root,
    machine,
    env,
    library,
    wheels,
    index,
    compile,
    async entry() {
      const folder = join(root, 'cache', 'native', `entry-${String(++entries)}`);
      const tensorflow = join(folder, 'tensorflow');
      mkdirSync(tensorflow, { recursive: true, mode: 0o700 });
      makeTensorFlow(compile, tensorflow);
      await compileLibraryProbe(machine, env, folder);
      return folder;
    },
  };
}

/** TensorFlow's two libraries, with the folders that they look into. */
export function makeTensorFlow(compile: CudaFakes['compile'], folder: string): void {
  const framework = join(folder, 'libtensorflow_framework.so.2');
  const searched = SEARCHED.map((part) => `$ORIGIN/../nvidia/${part}/lib`).join(':');
  compile(FRAMEWORK, framework, `-Wl,-rpath,${searched},-soname,libtensorflow_framework.so.2`, '-ldl');
  compile(API, join(folder, 'libtensorflow_cc.so.2'), '-Wl,-rpath,$ORIGIN/', framework);
}

/** Three wheels that hold every library between them. */
function makeWheels(root: string, index: string, library: string, { python }: Machine): CudaWheel[] {
  const names = CUDA_LIBRARIES.map(({ name }) => name);
  const parts = {
    cudnn: names.filter((name) => name.startsWith('libcudnn')),
    cusolver: names.filter((name) => name.startsWith('libcusolver')),
    cuda_rest: names.filter((name) => !/^lib(cudnn|cusolver)/.test(name)),
  };
  const compiler = join(root, 'ptxas');
  writeFileSync(compiler, 'a compiler');
  return Object.entries(parts).map(([folder, libraries]) => {
    const name = `nvidia-${folder.replace('_', '-')}-cu12`;
    const files = Object.fromEntries(libraries.map((each) => [`lib/${each}`, statSync(library).size]));
    if (folder === 'cuda_rest') files['bin/ptxas'] = statSync(compiler).size;
    const target = join(index, `${name.replaceAll('-', '_')}-1.0-py3-none-manylinux_2_27_x86_64.whl`);
    const members = Object.keys(files).map((file) => `nvidia/${folder}/${file}=${file.startsWith('lib') ? library : compiler}`); // prettier-ignore
    execFileSync(python ?? 'python3', ['-c', MAKE_WHEEL, target, name, '1.0', ...members]);
    const sha256 = createHash('sha256').update(readFileSync(target)).digest('hex');
    return { name, version: '1.0', folder, sha256, bytes: statSync(target).size, files };
  });
}

/** Puts a library under each name of CUDA's into a folder. */
export function copyUnderAllNames(library: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const { name } of CUDA_LIBRARIES) copyFileSync(library, join(folder, name));
}
