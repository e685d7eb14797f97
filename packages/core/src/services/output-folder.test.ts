import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { checkpointsRef, definePlugin, type HooklineError, type Logger, TrainerBase } from '../index.ts';

/** A training of its own process that saves at each step: it says so, and waits to be killed or told to end. */
const TRAINING = `
import { checkpointsRef, definePlugin, TrainerBase } from ${JSON.stringify(join(import.meta.dirname, '../index.ts'))};
const [output, steps, pause] = process.argv.slice(2);
const saver = definePlugin({
  name: 'saver',
  version: '1.0.0',
  requires: { checkpoints: checkpointsRef },
  setup: ({ hooks, checkpoints }) => void hooks.afterStep.tap(() => checkpoints.save('model')),
});
const step = async ({ iteration }) => {
  if (iteration === 1) console.log('training');
  if (iteration > 0) await new Promise((done) => setTimeout(done, Number(pause)));
  return 1;
};
const trainer = new TrainerBase({ step, maxIterations: Number(steps), output, plugins: [saver()] });
try {
  console.log((await trainer.train()).status);
} catch (error) {
  console.log(error.message);
  process.exit(1);
}
`;

let folder = '';
let program = '';
beforeAll(async () => {
  folder = temporaryFolder();
  program = join(folder, 'training.mjs');
  await writeFile(join(folder, 'training.ts'), TRAINING);
  const esbuild = createRequire(import.meta.url).resolve('esbuild/bin/esbuild');
  const banner = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
  execFileSync(esbuild, [
    join(folder, 'training.ts'),
    '--bundle',
    '--platform=node',
    '--format=esm',
    `--banner:js=${banner}`,
    `--outfile=${program}`,
    '--log-level=error',
  ]);
});

let output = '';
let runs = 0;
beforeEach(() => {
  output = join(folder, `run-${runs++}`);
});

interface Running {
  readonly child: ChildProcess;
  text(): string;
  /** Resolves when it has printed `training`. */
  readonly training: Promise<void>;
}

function start(steps: number, pause: number): Running {
  const env = { ...process.env, NODE_OPTIONS: '' };
  const child = spawn(process.execPath, [program, output, String(steps), String(pause)], { env });
  let text = '';
  const training = new Promise<void>((resolve) => {
    const take = (chunk: Buffer): void => {
      text += chunk.toString();
      if (text.includes('training\n')) resolve();
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
  });
  return { child, text: () => text, training };
}

const quiet = (lines: string[] = []): Logger => ({
  debug: () => undefined,
  info: (line) => void lines.push(line),
  warn: (line) => void lines.push(`warning: ${line}`),
  error: () => undefined,
  status: () => undefined,
  live: false,
});

const saver = definePlugin({
  name: 'saver',
  version: '1.0.0',
  requires: { checkpoints: checkpointsRef },
  setup({ hooks, checkpoints }) {
    hooks.afterStep.tap(async () => {
      await checkpoints.save('model');
    });
  },
});

function trainer(logger = quiet(), step: () => number | Promise<number> = () => 1): TrainerBase {
  return new TrainerBase({ step, maxIterations: 3, output, plugins: [saver()], logger, handleSignals: false });
}

const inUse = (text: string): Error =>
  expect.objectContaining({ code: 'HKL_OUTPUT_IN_USE', message: expect.stringContaining(text) }) as Error;

describe('the output folder', () => {
  it('is for one training at a time; the error names the process that has it', async () => {
    const first = start(1000, 50);
    await first.training;
    await expect(trainer().train()).rejects.toThrow(inUse(`process ${first.child.pid} on `));
    // Looking at it is not writing into it.
    const looking = trainer();
    expect(await looking.evaluate()).toEqual({});
    await looking.close();
    expect(await readdir(output)).toContain('.hookline-lock');
    first.child.kill('SIGKILL');
    await once(first.child, 'close');
  });

  it('of a killed training is taken over, with a line that says from whom, and swept', async () => {
    const killed = start(1000, 50);
    await killed.training;
    killed.child.kill('SIGKILL');
    await once(killed.child, 'close');
    // As a process leaves it that is killed while it writes a file in a folder below.
    const temp = (await import('../files/temp-name.ts')).claimTempName('0000007.png');
    const left = temp.replace(`-${process.pid}-`, `-${killed.child.pid}-`);
    await mkdir(join(output, 'predictions'));
    await writeFile(join(output, 'predictions', left), '');
    expect(await readdir(output)).toContain('.hookline-lock');

    const lines: string[] = [];
    await trainer(quiet(lines)).train();
    expect(lines.join('\n')).toContain(`taken over from process ${killed.child.pid} on `);
    expect((await readdir(output)).sort()).toEqual(['last_checkpoint', 'model.safetensors', 'predictions']);
    expect(await readdir(join(output, 'predictions'))).toEqual([]);
  });

  it('goes to one of several that want it at once', async () => {
    const all = Array.from({ length: 4 }, () => start(4, 700));
    await Promise.all(all.map(({ child }) => once(child, 'close')));
    const ends = all.map(({ text }) => text());
    expect(ends.filter((text) => text.includes('completed'))).toHaveLength(1);
    expect(ends.filter((text) => text.includes('HKL_OUTPUT_IN_USE'))).toHaveLength(3);
    expect(await readdir(output)).not.toContain('.hookline-lock');
  });

  it('is given back when a training ends or fails, and is one per trainer in one process too', async () => {
    await expect(
      trainer(quiet(), () => {
        throw new Error('no');
      }).train(),
    ).rejects.toThrow('no');
    let second: unknown;
    await trainer(quiet(), async () => {
      second ??= await trainer()
        .train()
        .catch((error: unknown) => error);
      return 1;
    }).train();
    expect(second).toEqual(inUse(`process ${process.pid} (this one) on `));
    expect(await trainer().train()).toMatchObject({ status: 'completed' });
  });

  it('of another machine is taken over after three minutes without a sign of life', async () => {
    const lock = join(output, '.hookline-lock');
    await mkdir(lock, { recursive: true });
    const owner = { pid: 1, host: 'elsewhere', boot: '', born: '', since: '2026-01-02T03:04:05.000Z', token: 'abc' };
    await writeFile(join(lock, 'owner.json'), JSON.stringify(owner));
    await expect(trainer().train()).rejects.toThrow(inUse('process 1 on elsewhere, since 2026-01-02T03:04:05.000Z,'));
    const longAgo = Date.now() / 1000 - 200;
    await utimes(join(lock, 'owner.json'), longAgo, longAgo);
    const lines: string[] = [];
    await trainer(quiet(lines)).train();
    expect(lines.join('\n')).toContain('taken over from process 1 on elsewhere');
  });

  (process.platform === 'linux' ? it : it.skip)(
    'of a process whose number another one has by now, or of an earlier start of the machine, is taken over (from /proc)',
    async () => {
      const first = start(1000, 50);
      await first.training;
      const path = join(output, '.hookline-lock', 'owner.json');
      const owner = JSON.parse(await readFile(path, 'utf8')) as { boot: string; born: string };
      first.child.kill('SIGSTOP');
      for (const change of [{ born: '1' }, { boot: owner.boot.replace(/^./, 'x') }]) {
        await mkdir(join(output, '.hookline-lock'), { recursive: true });
        await writeFile(path, JSON.stringify(owner));
        await expect(trainer().train()).rejects.toThrow(inUse(''));
        await writeFile(path, JSON.stringify({ ...owner, ...change }));
        expect(await trainer().train()).toMatchObject({ status: 'completed' });
      }
      first.child.kill('SIGKILL');
      await once(first.child, 'close');
    },
  );

  it('that is removed in mid-run is an error, after everything that comes was saved', async () => {
    const lines: string[] = [];
    let steps = 0;
    const training = trainer(quiet(lines), async () => {
      if (++steps === 2) await rm(output, { recursive: true });
      return 1;
    }).train();
    await expect(training).rejects.toMatchObject({ code: 'HKL_OUTPUT_REMOVED' } satisfies Partial<HooklineError>);
    expect(lines.filter((line) => line.includes('was removed or emptied'))).toHaveLength(1);
    expect((await readdir(output)).sort()).toEqual(['last_checkpoint', 'model.safetensors']);
  });

  it('sweeps nothing through a link to somewhere else', async () => {
    const { pid } = spawnSync(process.execPath, ['--version']);
    const name = (await import('../files/temp-name.ts')).claimTempName('x').replace(`-${process.pid}-`, `-${pid}-`);
    const elsewhere = await mkdtemp(join(folder, 'elsewhere-'));
    await writeFile(join(elsewhere, name), '');
    await mkdir(output);
    await symlink(elsewhere, join(output, 'link'));
    await trainer().train();
    expect(await readdir(elsewhere)).toEqual([name]);
  });
});
