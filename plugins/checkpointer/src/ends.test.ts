import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('./ends.test.support.ts', import.meta.url));
const root = fileURLToPath(new URL('../../..', import.meta.url));
const STEPS = 40;

let folder: string;
let whole: unknown;

// A user does not have Jest's NODE_OPTIONS.
const env = { ...process.env, NODE_OPTIONS: '' };
const args = (...given: string[]): string[] => ['--enable-source-maps', join(folder, 'training.mjs'), ...given];

/** Compiles the sources once: the trainings of this file are some forty processes. */
function bundle(): void {
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
  const esbuild = createRequire(import.meta.url).resolve('esbuild/bin/esbuild');
  execFileSync(esbuild, [
    ...[source, `--outfile=${join(folder, 'training.mjs')}`, '--bundle', '--platform=node', '--format=esm'],
    ...['--packages=external', `--alias:@hookline/core=${join(root, 'packages/core/src/index.ts')}`],
    ...['--sourcemap', '--keep-names', '--log-level=error'],
  ]);
}

interface Ended {
  readonly code: number | null;
  readonly said: string;
}

function run(name: string, fault: string, mode = 'new'): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, args(join(folder, name), String(STEPS), fault, mode), {
    cwd: root,
    env,
    encoding: 'utf8',
  });
  return { code: status, said: stdout + stderr };
}

function start(
  name: string,
  fault: string,
): { child: ChildProcess; said: () => string; saw(text: string): Promise<void> } {
  const child = spawn(process.execPath, args(join(folder, name), '100000', fault), { cwd: root, env });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const saw = async (wanted: string): Promise<void> => {
    while (!text.includes(wanted)) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  return { child, said: () => text, saw };
}

const resultOf = (name: string): unknown => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));

/** Resumes from the checkpoint of `name`, trains to the end, and compares with an uninterrupted run. */
function expectExactResume(name: string): void {
  const { code, said } = run(name, 'none', 'resume');
  expect([code, said]).toEqual([0, expect.any(String)]);
  expect(resultOf(name)).toEqual(whole);
}

beforeAll(() => {
  folder = temporaryFolder();
  bundle();
  expect(run('whole', 'none').code).toBe(0);
  whole = resultOf('whole');
}, 120_000);

describe('a training that is ended from inside', () => {
  it.each([
    ['exit', 'culprit: its tap failed: [HKL_PROCESS_EXIT]', 'hook beforeStep, iteration 7'],
    ['exit in a promise', 'culprit: its tap failed: [HKL_PROCESS_EXIT]', 'hook beforeStep, iteration 7'],
    ['exit in a timer', '[HKL_PROCESS_EXIT] Timeout', 'ends.test.support.ts'],
    ['throw in a timer', '[HKL_UNCAUGHT]', 'ends.test.support.ts'],
    ['rejection', '[HKL_UNCAUGHT]', 'ends.test.support.ts'],
    ['never', 'culprit: its tap failed: [HKL_NEVER_SETTLED]', 'hook beforeStep, iteration 7'],
    ['never in the step', '[HKL_NEVER_SETTLED] the step', 'iteration 7'],
  ])('%s: the culprit is named, everything is saved, and resuming is exact', (fault, who, where) => {
    const name = fault.replaceAll(' ', '-');
    const { code, said } = run(name, fault);
    expect(said).toContain(who);
    expect(said).toContain(where);
    expect(said).toMatch(/failed after \d+ iterations: everything up to there is in/);
    expect(code).toBe(1);
    expectExactResume(name);
  });

  it('a promise that can never settle, at the end of the training', () => {
    const { code, said } = run('at-the-end', 'never at the end');
    expect(said).toContain('culprit: its tap failed: [HKL_NEVER_SETTLED]');
    expect(said).toContain('hook afterTrain');
    expect(code).toBe(1);
  });

  it('what cannot be caught leaves the last checkpoint, from which resuming is exact', () => {
    const { code, said } = run('real', 'reallyExit');
    // Node prints no message for such an end.
    expect([code, said]).toEqual([0, expect.not.stringContaining('failed after')]);
    expectExactResume('real');
  });
});

describe('a training that is ended from outside', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s saves, and resuming is exact', async (signal) => {
    const { child, said, saw } = start(signal, 'wait');
    await saw('saved');
    child.kill(signal);
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(said()).toContain(`${signal}: stopping after this step`);
    expect(said()).toMatch(new RegExp(`interrupted after \\d+ iterations \\(${signal}\\): everything is in`));
    expectExactResume(signal);
  });

  it('a second SIGINT ends it at once, and resuming from the last checkpoint is exact', async () => {
    const { child, saw } = start('twice', 'hang');
    await saw('hanging');
    child.kill('SIGINT');
    await saw('stopping after this step');
    await new Promise((resolve) => setTimeout(resolve, 400));
    child.kill('SIGINT');
    expect(await once(child, 'close')).toEqual([130, null]);
    expectExactResume('twice');
  });

  it.each(['once', 'twice at once'])(
    'SIGINT %s while a file never comes: it is named, and resuming is exact',
    async (times) => {
      const name = `hung-${times.slice(0, 5).trim()}`;
      const { child, said, saw } = start(name, 'hung file');
      await saw(`the step in iteration 7 (reading ${join(folder, name)}.pipe)`);
      child.kill('SIGINT');
      if (times !== 'once') {
        await saw('stopping after this step');
        await new Promise((resolve) => setTimeout(resolve, 400));
        child.kill('SIGINT');
      }
      // Node would wait for its thread forever; the signal handler must not.
      expect(await once(child, 'close')).toEqual([null, 'SIGINT']);
      if (times === 'once') expect(said()).toMatch(/interrupted after 7 iterations \(SIGINT\)/);
      expectExactResume(name);
    },
  );

  it.each(['stdout', 'stderr'] as const)('a closed %s saves, and resuming is exact', async (name) => {
    const { child, saw } = start(name, 'talk');
    await saw('saved');
    child[name]?.destroy();
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).not.toBeNull();
    expect(resultOf(name)).toMatchObject({ status: 'interrupted' });
    expectExactResume(name);
  });
});

it('what is waited for long is named in a warning', () => {
  const { said } = run('slow', 'slow');
  expect(said).toMatch(
    /warning: iteration 7 has been waiting for [\d.]+ s: the step in iteration 7. Ctrl-C stops the training after it, and twice/,
  );
});
