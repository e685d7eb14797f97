import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { downloadWheel } from './download-wheel.ts';
import { inspectMachine, type Machine } from '../machine/machine.ts';
import { TENSORFLOW_WHEELS } from './tensorflow-wheels.ts';

/** Makes a wheel that pip takes for one of TensorFlow. */
const MAKE = `
import sys, zipfile
folder, version = sys.argv[1:]
info = 'tensorflow_cpu-%s.dist-info/' % version
with zipfile.ZipFile('%s/tensorflow_cpu-%s-cp311-cp311-manylinux_2_27_x86_64.whl' % (folder, version), 'w') as wheel:
    wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: tensorflow-cpu\\nVersion: %s\\n' % version)
    wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: false\\nTag: cp311-cp311-manylinux_2_27_x86_64\\n')
    wheel.writestr(info + 'RECORD', '')
`;

let root: string;
let machine: Machine;
beforeAll(async () => {
  machine = { ...(await inspectMachine()), platform: 'linux-x64' };
});
beforeEach(() => {
  root = temporaryFolder();
  mkdirSync(join(root, 'index'));
});

async function download(version: string, variables: Record<string, string> = {}) {
  execFileSync(machine.python ?? 'python3', ['-c', MAKE, join(root, 'index'), version]);
  const env = { ...process.env, PIP_NO_INDEX: '1', PIP_FIND_LINKS: join(root, 'index'), PIP_CONFIG_FILE: '/dev/null' };
  const lines: string[] = [];
  const log = (line: string): void => void lines.push(line);
  const folder = join(root, 'download');
  const attempt = await downloadWheel({
    machine,
    env: { ...env, ...variables },
    folder,
    cuda: false,
    timeoutMs: 120_000,
    log,
  });
  const wheels = readdirSync(folder).filter((name) => name.endsWith('.whl'));
  return { attempt, lines, wheels };
}

describe('downloadWheel', () => {
  it('refuses a wheel of the right name with another content', async () => {
    const { attempt, wheels } = await download('2.21.0');
    expect(attempt).toMatchObject({
      outcome: 'failed',
      detail: 'pip could not download tensorflow-cpu: the wheel is not the one that is known: its hash differs',
    });
    expect(wheels).toEqual([]);
  });

  it('takes no other release, and says how one may be had', async () => {
    const { attempt, wheels } = await download('2.20.0');
    expect(attempt.outcome).toBe('failed');
    expect(attempt.detail).toContain('the package index has no tensorflow-cpu 2.21.0; give its wheel');
    expect(attempt.detail).toContain('HOOKLINE_TENSORFLOW_ANY_RELEASE=1');
    expect(wheels).toEqual([]);
  });

  it('takes another release where that is asked for, with a line that says so', async () => {
    const { attempt, lines } = await download('2.20.0', { HOOKLINE_TENSORFLOW_ANY_RELEASE: '1' });
    expect(attempt.value).toMatch(/tensorflow_cpu-2\.20\.0-.*\.whl$/);
    expect(lines.join('\n')).toContain('taking its newest, unchecked, as HOOKLINE_TENSORFLOW_ANY_RELEASE asks for');
  });

  it('knows a hash of each wheel', () => {
    const wheels = Object.values(TENSORFLOW_WHEELS);
    for (const { sha256 } of wheels) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(wheels.map(({ sha256 }) => sha256)).size).toBe(wheels.length);
  });
});
