import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { findInstalledTensorFlow } from './installed-tensorflow.ts';
import { inspectMachine, type Machine } from '../machine/machine.ts';
import { unpackWheel } from './tensorflow-wheel.ts';

const CONTENT: Readonly<Record<string, string>> = {
  'tensorflow/__init__.py': 'raise RuntimeError("must not be imported")',
  'tensorflow/include/tensorflow/c/c_api.h': '// a',
  'tensorflow/include/tensorflow/c/eager/c_api.h': '// b',
  'tensorflow/include/xla/tsl/c/tsl_status.h': '// c',
  'tensorflow/include/tensorflow/core/framework/huge.h': '// not needed',
  'tensorflow/libtensorflow_cc.so.2': 'library',
  'tensorflow/libtensorflow_framework.so.2': 'library',
  'tensorflow/python/platform/build_info.py':
    "build_info = collections.OrderedDict([('cuda_version', '12.5.1'), ('cudnn_version', '9'), ('is_cuda_build', True)])",
  'tensorflow-2.19.1.dist-info/METADATA': 'Metadata-Version: 2.1\nName: tensorflow\nVersion: 2.19.1\n',
};

let root: string;
let site: string;
let machine: Machine;

beforeAll(async () => {
  root = temporaryFolder();
  site = join(root, 'site');
  for (const [name, text] of Object.entries(CONTENT)) {
    mkdirSync(dirname(join(site, name)), { recursive: true });
    writeFileSync(join(site, name), text);
  }
  machine = await inspectMachine();
});

function makeWheel(name: string, leaveOut = ''): string {
  const wheel = join(root, name);
  const script = `
import os, sys, zipfile
os.chdir(sys.argv[1])
with zipfile.ZipFile(sys.argv[2], 'w') as archive:
    for folder, _, files in os.walk('.'):
        for file in files:
            path = os.path.normpath(os.path.join(folder, file))
            if path != sys.argv[3]: archive.write(path)`;
  expect(spawnSync(machine.python ?? '', ['-c', script, site, wheel, leaveOut]).status).toBe(0);
  return wheel;
}

/** The rest of this file needs a Python; setup without one is covered beside it. */
const withPython = spawnSync('python3', ['--version']).status === 0 ? it : it.skip;

describe('unpackWheel', () => {
  withPython.each([true, false])('takes only what the addon needs (unzip: %s; needs python3)', async (unzip) => {
    if (unzip && !machine.unzip) skipTest('there is no unzip');
    const wheel = makeWheel('tensorflow-2.19.1-cp312-cp312-manylinux_2_17_x86_64.whl');
    const target = mkdtempSync(join(root, 'target-'));
    const { value } = await unpackWheel(wheel, target, { ...machine, unzip }, process.env);
    expect(value).toMatchObject({
      version: '2.19.1',
      cudaBuild: { cuda: '12.5.1', cudnn: '9' },
      borrowed: false,
      folder: join(target, 'tensorflow'),
    });
    const taken = Object.keys(CONTENT).filter((name) => existsSync(join(target, name)));
    expect(taken).toEqual([
      'tensorflow/include/tensorflow/c/c_api.h',
      'tensorflow/include/tensorflow/c/eager/c_api.h',
      'tensorflow/include/xla/tsl/c/tsl_status.h',
      'tensorflow/libtensorflow_cc.so.2',
      'tensorflow/libtensorflow_framework.so.2',
      'tensorflow/python/platform/build_info.py',
    ]);
  });

  withPython('says what a wheel lacks (needs python3)', async () => {
    const wheel = makeWheel('tensorflow_cpu-2.1.0-cp37-cp37m-linux_x86_64.whl', 'tensorflow/libtensorflow_cc.so.2');
    const { outcome, detail } = await unpackWheel(wheel, mkdtempSync(join(root, 'target-')), machine, process.env);
    expect({ outcome, detail }).toEqual({
      outcome: 'failed',
      detail: 'tensorflow_cpu-2.1.0-cp37-cp37m-linux_x86_64.whl cannot be used: it holds no libtensorflow_cc.so.2',
    });
  });

  it('says that there is nothing to unpack it with', async () => {
    const wheel = join(root, 'tensorflow-2.19.1-none.whl');
    writeFileSync(wheel, '');
    const bare = { ...machine, unzip: false, python: undefined };
    expect((await unpackWheel(wheel, join(root, 'nowhere'), bare, process.env)).detail).toMatch(
      /neither unzip nor Python/,
    );
  });
});

describe('findInstalledTensorFlow', () => {
  withPython('finds it without importing it, and uses it where it is (needs python3)', async () => {
    const { value } = await findInstalledTensorFlow(machine, { ...process.env, PYTHONPATH: site });
    expect(value).toMatchObject({
      version: '2.19.1',
      folder: join(site, 'tensorflow'),
      cudaBuild: { cuda: '12.5.1', cudnn: '9' },
      borrowed: true,
    });
  });

  withPython('says that there is none (needs python3)', async () => {
    const { outcome, value } = await findInstalledTensorFlow(machine, {
      ...process.env,
      PYTHONPATH: '',
      PYTHONNOUSERSITE: '1',
    });
    if (value === undefined) expect(outcome).toBe('skipped');
    else expect(value.folder).not.toBe(join(site, 'tensorflow'));
  });
});
