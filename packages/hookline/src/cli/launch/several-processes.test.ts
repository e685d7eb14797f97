import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readCheckpoint } from '@hookline/core';
import { compileRanksAddon } from '@hookline/native-runtime';
import { diagnoseRanks } from './describe-ranks.ts';
import { BIN, buildCommand, userFolder } from '../built-command.test.support.ts';

/** A trainer file that counts its steps, and does something on one rank at one iteration: `--set do=kill:1:3`. */
const TRAINER = `
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkpointer, communicator, definePlugin, TrainerBase, type Logger } from 'hookline';

const counter = definePlugin({
  name: 'acme-plugin-counter',
  version: '1.0.0',
  before: ['checkpointing'],
  setup({ hooks }) {
    let seen = 0;
    hooks.afterStep.tap(() => void seen++);
    return { state: { save: () => seen, load: (saved) => void (seen = Number(saved)) } };
  },
});

export default {
  create({ set, output, logger }: { set: readonly string[]; output?: string; logger: Logger }) {
    const given = new Map(set.map((each) => each.split('=') as [string, string]));
    const [what, who, when] = (given.get('do') ?? '').split(':');
    return new TrainerBase({
      maxIterations: Number(given.get('steps') ?? 12),
      output,
      logger,
      seed: given.has('drawn') ? undefined : 1,
      plugins: [checkpointer({ period: 2 }), counter()],
      async step({ iteration }) {
        if (iteration === 4) console.log('here is rank', communicator().rank, 'with', process.env.TF_NUM_INTRAOP_THREADS);
        if (Number(who) === communicator().rank && Number(when) === iteration) {
          if (what === 'kill') process.kill(process.pid, 'SIGKILL');
          if (what === 'term') process.kill(process.pid, 'SIGTERM');
          // Simulates a full disk: no file can grow beyond 100 bytes.
          if (what === 'full') spawnSync('prlimit', ['--pid', String(process.pid), '--fsize=100']);
          if (what === 'fail') throw new TypeError('no such thing');
        }
        await sleep(Number(given.get('sleep') ?? 0));
        return 1 / (iteration + 1);
      },
    });
  },
};
`;

const compiled = await compileRanksAddon();
const { isPossible, mpirun, reason } = diagnoseRanks();
const why = isPossible && mpirun !== undefined ? '' : `${reason} (${compiled.detail})`;
const several = why === '' ? describe : describe.skip;

let folder: string;

beforeAll(() => {
  buildCommand();
  folder = userFolder('launch', TRAINER);
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true }));

interface End {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function launch(...args: string[]): {
  process: ChildProcess;
  said: (text: string) => Promise<void>;
  end: Promise<End>;
} {
  const env = { ...process.env, NODE_OPTIONS: '', HOOKLINE_DEVICE: '' };
  const child = spawn(process.execPath, [BIN, 'launch', '-n', '2', 'trainer.ts', ...args], { cwd: folder, env });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const end = new Promise<End>((done) => child.on('close', (status) => done({ status, stdout, stderr })));
  const said = (text: string): Promise<void> =>
    new Promise((done) => {
      const look = (): void => {
        if (!stderr.includes(text)) return;
        child.stderr.off('data', look);
        done();
      };
      child.stderr.on('data', look);
      void end.then(() => done());
    });
  return { process: child, said, end };
}

const stateOf = async (name: string) => (await readCheckpoint(join(folder, name, 'model_final.safetensors'))).manifest;

several(`hookline launch${why === '' ? '' : ` (skipped: ${why})`}`, () => {
  it('trains as two ranks, of which the first one writes and speaks', async () => {
    const { status, stdout, stderr } = await launch('--output', 'whole').end;
    expect(stderr).toMatch(/^ranks: +2 \(/);
    expect({ status, stdout: stdout.trim().split(/\s*\n/) }).toEqual({
      status: 0,
      stdout: [expect.stringMatching(/^here is rank 0 with \d+$/)],
    });
    expect(stderr.match(/saved whole\/model_final/g)).toHaveLength(1);
    expect((await stateOf('whole')).entries['hookline/ranks']?.data).toMatchObject({ size: 2 });
  }, 120_000);

  it('gives all ranks the seed that the first one draws, another one each time', async () => {
    const seeds: unknown[] = [];
    for (const name of ['one', 'other']) {
      const { status, stderr } = await launch('--output', name, '--set', 'drawn=1').end;
      expect(status === 0 ? '' : stderr).toBe('');
      const { entries } = await stateOf(name);
      seeds.push((entries['hookline/random']?.data as { seed: number }).seed);
    }
    expect(seeds[0]).not.toBe(seeds[1]);
  }, 120_000);

  it('ends all ranks where one is killed, names it, and goes on from there', async () => {
    const { status, stderr } = await launch('--output', 'killed', '--set', 'do=kill:1:7').end;
    expect(status).toBe(137);
    expect(stderr).toMatch(/error: rank 1 \(.*\) was killed by SIGKILL/);
    expect(stderr).toMatch(/npx hookline launch -n 2 trainer\.ts --output killed --set do=kill:1:7 --resume/);
    expect(readdirSync(join(folder, 'killed'))).not.toContain('model_final.safetensors');
    // Resume with one process, which continues with the first rank's state.
    const env = { ...process.env, NODE_OPTIONS: '', HOOKLINE_DEVICE: '' };
    const args = [BIN, 'train', 'trainer.ts', '--output', 'killed', '--resume'];
    const alone = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', env });
    expect(alone.status === 0 ? '' : alone.stderr).toBe('');
    expect(alone.stderr).toMatch(/was saved by 2 ranks, and one process goes on from it/);
    const [whole, resumed] = [await stateOf('whole'), await stateOf('killed')];
    expect(resumed.iteration).toBe(12);
    expect(resumed.entries['hookline/plugins']).toEqual(whole.entries['hookline/plugins']);
  }, 120_000);

  it('stops all ranks after one iteration at Ctrl-C, with a checkpoint, and leaves no process', async () => {
    const job = launch('--output', 'stopped', '--set', 'steps=100000', '--set', 'sleep=5');
    await job.said('saved stopped/model_0000003');
    job.process.kill('SIGINT');
    const { status, stderr } = await job.end;
    expect(status).toBe(130);
    expect(stderr).toMatch(/interrupted by SIGINT after (\d+) of 100000 iterations/);
    expect(stderr).toMatch(/npx hookline launch -n 2 .*--resume/);
    const { stdout } = spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
    expect(stdout.split('\n').filter((line) => line.includes('--output stopped'))).toEqual([]);
  }, 120_000);

  it('fails as a whole where one rank fails, with its error, and saves', async () => {
    const { status, stderr } = await launch('--output', 'failed', '--set', 'do=fail:1:5').end;
    expect(status).toBe(1);
    expect(stderr).toMatch(/\[rank 1\] error: TypeError: no such thing/);
    expect(stderr).toMatch(/\[HKL_RANK_FAILED\] rank 1: it has failed: no such thing/);
    expect(readdirSync(join(folder, 'failed')).some((name) => /^model_000000[45]/.test(name))).toBe(true);
  }, 120_000);

  (spawnSync('prlimit', ['--version']).status === 0 ? it : it.skip)(
    'ends as a whole where the first rank cannot write, names it and the file, and keeps what was saved before (needs prlimit)',
    async () => {
      const { status, stderr } = await launch('--output', 'full', '--set', 'do=full:0:4').end;
      expect(status).toBe(1);
      expect(stderr).toMatch(/\[rank 1\] error: .*\[HKL_DISK_FULL\] rank 0: .*full\/model_0000005\.safetensors/);
      expect(readdirSync(join(folder, 'full')).sort()).toEqual([
        'last_checkpoint',
        'model_0000001.safetensors',
        'model_0000003.safetensors',
      ]);
      const { iteration } = (await readCheckpoint(join(folder, 'full', 'model_0000003.safetensors'))).manifest;
      expect(iteration).toBe(4);
    },
    120_000,
  );
});
