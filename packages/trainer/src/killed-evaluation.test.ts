import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../../..');
const PLUGINS = [
  'checkpointer',
  'early-stopping',
  'evaluator',
  'iteration-timer',
  'lr-scheduler',
  'precise-bn',
  'writers',
];
const SOURCES = {
  '@hookline/core': 'packages/core',
  '@hookline/tfjs': 'packages/tfjs',
  '@hookline/preset-default': 'plugins/preset-default',
  ...Object.fromEntries(PLUGINS.map((name) => [`@hookline/plugin-${name}`, `plugins/${name}`])),
};

// `node run.mjs OUTPUT [--hang ITERATION]` resumes the run, prints steps and evaluations, and at the end all histories.
const RUN = `
import { ConsoleLogger, TrainerBase } from '@hookline/core';
import { earlyStopping } from '@hookline/plugin-early-stopping';
import { presetDefault } from '@hookline/preset-default';
const [output, , hang] = process.argv.slice(2);
const say = (...words) => console.log(...words);
const evaluate = async ({ step: { iteration } }) => {
  say('evaluating', iteration);
  if (String(iteration) === hang) await new Promise(() => setInterval(() => undefined, 1000));
  say('evaluated', iteration);
  return { accuracy: [0.1, 0.5, 0.3, 0.2][(iteration + 1) / 4 - 1] ?? 0.2 };
};
const trainer = new TrainerBase({
  step: ({ iteration }) => (say('step', iteration), 1 / (iteration + 1)),
  maxIterations: 14,
  seed: 1,
  output,
  logger: new ConsoleLogger({ level: 'silent' }),
  plugins: [
    presetDefault({
      checkpointer: { period: 4 },
      evaluator: { period: 4, evaluate },
      bestCheckpointer: { metric: 'accuracy' },
      writers: { tensorboard: false },
    }),
    earlyStopping({ metric: 'accuracy', patience: 9 }),
  ],
});
await trainer.resumeOrLoad();
const { status, iteration, results } = await trainer.train();
const names = trainer.storage.names().filter((name) => !/time|eta/.test(name));
const scalars = Object.fromEntries(names.map((name) => [name, trainer.storage.history(name).values()]));
say(JSON.stringify({ status, iteration, results, scalars }));
`;

let folder: string;
beforeAll(async () => {
  folder = temporaryFolder();
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir');
  await writeFile(join(folder, 'run.ts'), RUN);
  const esbuild = createRequire(import.meta.url).resolve('esbuild/bin/esbuild');
  const aliases = Object.entries(SOURCES).map(([name, path]) => `--alias:${name}=${join(ROOT, path, 'src/index.ts')}`);
  const options = ['--bundle', '--platform=node', '--format=esm', '--packages=external', '--log-level=error'];
  execFileSync(esbuild, [join(folder, 'run.ts'), ...options, ...aliases, `--outfile=${join(folder, 'run.mjs')}`]);
});

const command = (output: string, hang?: number) => [
  join(folder, 'run.mjs'),
  join(folder, output),
  ...(hang === undefined ? [] : ['--hang', String(hang)]),
];
const env = { ...process.env, NODE_OPTIONS: '' };
const linesOf = (stdout: string) => stdout.trim().split('\n');

/** Runs to the end. */
function finish(output: string): { readonly lines: readonly string[]; readonly end: Record<string, unknown> } {
  const { stdout, stderr, status } = spawnSync(process.execPath, command(output), { encoding: 'utf8', env });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const lines = linesOf(stdout);
  return { lines: lines.slice(0, -1), end: JSON.parse(lines.at(-1) ?? '') as Record<string, unknown> };
}

/** Kills the process while it evaluates. @returns its output until then */
async function killAt(output: string, iteration: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, command(output, iteration), { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.on('data', (text: Buffer) => {
    stdout += text.toString();
    if (linesOf(stdout).at(-1) === `evaluating ${iteration}`) child.kill('SIGKILL');
  });
  expect(await once(child, 'close')).toEqual([null, 'SIGKILL']);
  return linesOf(stdout);
}

/** The written metrics, without those that depend on the clock. */
async function written(output: string): Promise<unknown> {
  const lines = (await readFile(join(folder, output, 'metrics.json'), 'utf8')).trim().split('\n');
  const timeless = (line: string) => {
    const entries = Object.entries(JSON.parse(line) as Record<string, unknown>);
    return Object.fromEntries(entries.filter(([name]) => !/time|eta/.test(name)));
  };
  const best = JSON.parse(await readFile(join(folder, output, 'model_best.json'), 'utf8')) as unknown;
  const files = (await readdir(join(folder, output))).filter((name) => !name.includes('.tmp'));
  return { lines: lines.map(timeless), best, files };
}

it('a process that is killed while it evaluates makes up for the evaluation when it goes on, and ends as if nothing had been', async () => {
  const whole = finish('whole');
  expect(whole.lines.filter((line) => line.startsWith('evaluated'))).toEqual([
    'evaluated 3',
    'evaluated 7',
    'evaluated 11',
    'evaluated 13',
  ]);

  // In the middle of the run; the interrupted evaluation has the best value of all.
  expect((await killAt('run', 7)).at(-1)).toBe('evaluating 7');
  // Kill it again during the evaluation that is made up for, which must not lose anything either.
  expect(await killAt('run', 7)).toEqual(['evaluating 7']);
  // Kill it in the last evaluation, after the last step.
  const middle = await killAt('run', 13);
  expect(middle.slice(0, 3)).toEqual(['evaluating 7', 'evaluated 7', 'step 8']);
  expect(middle.at(-1)).toBe('evaluating 13');
  const last = finish('run');
  expect(last.lines).toEqual(['evaluating 13', 'evaluated 13']);

  expect(last.end).toEqual(whole.end);
  expect(await written('run')).toEqual(await written('whole'));

  // Nothing is left to do.
  const again = spawnSync(process.execPath, command('run'), { encoding: 'utf8', env });
  expect(again.stdout).toBe('');
  expect(again.stderr).toContain('[HKL_NOTHING_TO_TRAIN]');
});
