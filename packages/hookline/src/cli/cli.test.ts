import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BIN, buildCommand, ROOT, runCommand, userFolder } from './built-command.test.support.ts';

/** A trainer file that prints each step, so that a test sees where training began and ended. */
const TRAINER = `
import { setTimeout as sleep } from 'node:timers/promises';
import { checkpointer, definePlugin, HooklineError, TrainerBase, type Logger } from 'hookline';

const counter = definePlugin({
  name: 'acme-plugin-counter',
  version: '1.0.0',
  setup({ hooks }) {
    let seen = 0;
    hooks.beforeTrain.tap(() => console.log('seen', seen));
    hooks.afterStep.tap(() => void seen++);
    return { state: { save: () => seen, load: (saved) => void (seen = Number(saved)) } };
  },
});

export default {
  create({ set, output, logger }: { set: readonly string[]; output?: string; logger: Logger }) {
    const given = new Map(set.map((each) => each.split('=') as [string, string]));
    if (given.has('bad')) throw new HooklineError('HKL_CONFIG', 'bad is bad', { who: '--set' });
    return new TrainerBase({
      maxIterations: Number(given.get('steps') ?? 6),
      output,
      logger,
      seed: 1,
      plugins: [checkpointer({ period: 1000 }), given.has('counter') && counter()],
      async step({ iteration }) {
        console.log('step', iteration);
        if (given.get('fail') === String(iteration)) throw new TypeError('no such thing');
        await sleep(Number(given.get('sleep') ?? 0));
        return 1 / (iteration + 1);
      },
    });
  },
};
`;

/** The line of the trainer file that holds this text. */
const lineOf = (text: string): number => TRAINER.slice(0, TRAINER.indexOf(text)).split('\n').length;

let folder: string;

beforeAll(() => {
  buildCommand();
  folder = userFolder('cli', TRAINER);
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true }));

function hookline(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return runCommand(folder, args, { HOOKLINE_DEVICE: '' });
}

function start(...args: string[]): ChildProcess {
  const env = { ...process.env, NODE_OPTIONS: '', HOOKLINE_DEVICE: '' };
  return spawn(process.execPath, [BIN, ...args], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
}

const stepsIn = (stdout: string): number[] => [...stdout.matchAll(/^step (\d+)$/gm)].map(([, step]) => Number(step));

describe('hookline train', () => {
  it('trains with a TypeScript file, and says where everything is', () => {
    const { status, stdout, stderr } = hookline('train', 'trainer.ts', '--output', 'runs/a', '--set', 'steps=3');
    expect(stepsIn(stdout)).toEqual([0, 1, 2]);
    expect(stderr).toContain('output:     runs/a\nbeginning:  a new run\n');
    expect(stderr).toMatch(/done: 3 iterations, [\d.]+ s\ncheckpoint: runs\/a\/model_final\.safetensors\n$/);
    expect(status).toBe(0);
  });

  it('tries with --fast-dev-run two steps and the end of a training, and keeps nothing', () => {
    const { status, stdout, stderr } = hookline('train', 'trainer.ts', '--fast-dev-run');
    expect(stepsIn(stdout)).toEqual([0, 1]);
    expect(stderr).toMatch(/^saved .*hookline-fast-dev-run-\w+\/model_final\.safetensors$/m);
    expect(stderr).toContain('fast dev run: completed 2 of 2 steps and the end of a training; nothing is kept');
    expect(existsSync(/saved (.*)\/model_final/.exec(stderr)?.[1] ?? folder)).toBe(false);
    expect(status).toBe(0);
    const failing = hookline('train', 'trainer.ts', '--fast-dev-run', '--set', 'fail=1');
    expect(failing.stderr).toContain('no such thing');
    expect(failing.status).toBe(1);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('saves on %s, says how to resume, and resumes where it was', async (signal, expected) => {
    const args = ['train', 'trainer.ts', '--output', `runs/${signal}`, '--set', 'steps=400'];
    const child = start(...args, '--set', 'sleep=5');
    let [stdout, stderr] = ['', ''];
    child.stderr?.on('data', (text: Buffer) => (stderr += text.toString()));
    child.stdout?.on('data', (text: Buffer) => {
      stdout += text.toString();
      if (stepsIn(stdout).length === 5) child.kill(signal);
    });
    const status = await new Promise((done) => child.on('close', done));
    expect(stderr).toContain(
      `go on with:\n  npx hookline train trainer.ts --output runs/${signal} --set steps=400 --set sleep=5 --resume`,
    );
    expect(status).toBe(expected);
    const done = stepsIn(stdout).length;
    expect(done).toBeLessThan(400);

    const resumed = hookline(...args, '--resume');
    expect(resumed.stderr).toMatch(new RegExp(`resuming: {3}runs/${signal}/.*, at iteration ${done}\n`));
    expect(stepsIn(resumed.stdout)).toEqual(Array.from({ length: 400 - done }, (_, index) => done + index));
    expect(resumed.status).toBe(0);
  });

  it('saves when nobody reads its output any more, and resumes where it was', async () => {
    const args = ['train', 'trainer.ts', '--output', 'runs/closed', '--set', 'steps=400'];
    const child = start(...args, '--set', 'sleep=5');
    child.stderr?.resume();
    child.stdout?.once('data', () => child.stdout?.destroy());
    expect(await new Promise((done) => child.on('close', done))).toBe(141);

    const resumed = hookline(...args, '--resume');
    const [, begin] = /resuming: {3}.*, at iteration ([1-9]\d*)\n/.exec(resumed.stderr) ?? [];
    expect(stepsIn(resumed.stdout)[0]).toBe(Number(begin));
    expect(resumed.status).toBe(0);
  });

  const hasNoShell = process.platform === 'win32';
  const noShell = hasNoShell ? ' (skipped: Windows has no sh)' : '';
  (hasNoShell ? it.skip : it)(`ends with a save in a pipe to head${noShell}`, () => {
    const args = ['train', 'trainer.ts', '--output', 'runs/head', '--set', 'steps=400'];
    const env = { ...process.env, NODE_OPTIONS: '', HOOKLINE_DEVICE: '' };
    const command = `"${process.execPath}" "${BIN}" ${args.join(' ')} --set sleep=5 | head -1`;
    expect(spawnSync('sh', ['-c', command], { cwd: folder, encoding: 'utf8', env }).stdout).toBe('step 0\n');
    expect(hookline(...args, '--resume').stderr).toMatch(/resuming: {3}runs\/head\/.*, at iteration [1-9]\d*\n/);
  });

  it('adds a plugin to a run that goes on, and leaves it out again, with --allow-mismatch alone', () => {
    const train = (...args: string[]) => hookline('train', 'trainer.ts', '--output', 'runs/added', ...args);
    expect(train('--set', 'steps=3').status).toBe(0);
    const added = ['--set', 'steps=5', '--set', 'counter=1', '--resume'];
    const refused = train(...added);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(
      /\[HKL_STATE_MISSING\] .*it holds no state of acme-plugin-counter .*--allow-mismatch counter /s,
    );
    const allowed = train(...added, '--allow-mismatch', 'counter');
    expect(allowed.stderr).toContain('acme-plugin-counter starts afresh');
    expect(allowed.stdout).toContain('seen 0\nstep 3\nstep 4\n');
    expect(allowed.status).toBe(0);
    const dropped = ['--set', 'steps=6', '--resume'];
    expect(train(...dropped).stderr).toContain('HKL_STATE_LEFT_OVER');
    const left = train(...dropped, '--allow-mismatch=acme-plugin-counter');
    expect(left.stderr).toContain('is ignored: no such plugin here');
    expect(stepsIn(left.stdout)).toEqual([5]);
    expect(left.status).toBe(0);
  });

  it('begins anew when there is nothing to resume from, and says so', () => {
    const { status, stderr } = hookline('train', 'trainer.ts', '--output', 'runs/none', '--resume');
    expect(stderr).toContain('beginning:  a new run (there is no checkpoint to resume from)');
    expect(status).toBe(0);
  });

  it('fails with the cause and the place of a bug in the step', () => {
    const { status, stderr } = hookline('train', 'trainer.ts', '--output', 'runs/fail', '--set', 'fail=2');
    expect(stderr).toContain('no such thing');
    expect(stderr).toContain(`trainer.ts:${lineOf('no such thing')}:`);
    expect(status).toBe(1);
  });

  it("gives the error of a wrong config as it is: the file's package and the command's are the same", () => {
    const { status, stderr } = hookline('train', 'trainer.ts', '--set', 'bad=1');
    expect(stderr).toBe('error: [HKL_CONFIG] --set: bad is bad.\n');
    expect(status).toBe(1);
  });
});

describe('hookline eval', () => {
  it('asks for a checkpoint where there is none', () => {
    const { status, stderr } = hookline('eval', 'trainer.ts', '--output', 'runs/empty');
    expect(stderr).toContain('[HKL_NO_CHECKPOINT] eval: there is no checkpoint in runs/empty. Train first');
    expect(status).toBe(1);
  });

  it('loads the latest checkpoint, and says when nothing evaluates', () => {
    hookline('train', 'trainer.ts', '--output', 'runs/e');
    const { status, stderr } = hookline('eval', 'trainer.ts', '--output', 'runs/e');
    expect(stderr).toContain('evaluating runs/e/model_final.safetensors, iteration 6');
    expect(stderr).toContain('[HKL_NO_EVALUATOR] trainer.ts: nothing was evaluated');
    expect(status).toBe(1);
  });
});

describe('hookline inspect', () => {
  it('prints nothing but JSON with --json', () => {
    const { status, stdout } = hookline('inspect', 'trainer.ts', '--json', '--output', 'runs/i');
    expect(JSON.parse(stdout)).toMatchObject({
      plugins: [{ name: '@hookline/plugin-checkpointer', position: 1, options: { period: 1000 } }],
      hooks: expect.arrayContaining([expect.objectContaining({ name: 'afterStep', kind: 'AsyncSeries' })]),
    });
    expect(status).toBe(0);
  });

  it('says with --diff how another file differs', () => {
    writeFileSync(join(folder, 'other.ts'), TRAINER.replace('1000', '500'));
    const { status, stdout } = hookline('inspect', 'trainer.ts', '--diff', 'other.ts', '--output', 'runs/i');
    expect(stdout).toContain('  plugin @hookline/plugin-checkpointer.period: 1000 -> 500\n');
    expect(status).toBe(0);
  });

  it('prints a table for people, and trains nothing', () => {
    const { stdout } = hookline('inspect', 'trainer.ts', '--output', 'runs/i');
    expect(stdout).toContain('  1. checkpointer 0.1.0');
    expect(stepsIn(stdout)).toEqual([]);
    expect(readdirSync(join(folder, 'runs/i'))).toEqual([]);
  });
});

describe('a trainer file', () => {
  const FILES: readonly (readonly [string, string, string])[] = [
    [
      'syntax.ts',
      'export default {\n  a: 1,\n  b: = 2,\n};',
      'syntax.ts: it cannot be read: Unexpected "=" (syntax.ts:3:5)',
    ],
    ['import.ts', "import './syntax.ts';", 'import.ts: it cannot be read: Unexpected "=" (syntax.ts:3:5)'],
    ['throws.ts', "\nthrow new TypeError('boom');", 'throws.ts: loading it failed: boom (throws.ts:2)'],
    ['package.ts', "import 'no-such-package';", "package.ts: loading it failed: Cannot find package 'no-such-package'"],
    ['nothing.ts', 'export const trainer = 1;', 'nothing.ts: it has no default export. Write `export default defineT'],
    ['class.ts', 'export default class Net {}', 'class.ts: its default export is the function or class Net, not a tr'],
    ['object.ts', 'export default { model: 1 };', 'object.ts: its default export is a plain object, not a trainer'],
  ];

  it('that is wrong is answered by what is wrong with it', () => {
    for (const [name, source] of FILES) writeFileSync(join(folder, name), source);
    // One process for all files, because most of a command's time is its start.
    const from = (file: string) => JSON.stringify(pathToFileURL(join(ROOT, 'packages/hookline/dist/cli', file)).href);
    const program = `
      const { loadTrainer } = await import(${from('load-trainer.js')});
      const { formatError } = await import(${from('report-error.js')});
      const answers = [];
      for (const name of ${JSON.stringify(FILES.map(([name]) => name))})
        await loadTrainer(name).catch((error) => answers.push([name, formatError(error, { debug: false })]));
      console.log(JSON.stringify(answers));`;
    const env = { ...process.env, NODE_OPTIONS: '', HOOKLINE_DEVICE: '' };
    const args = ['--input-type=module', '--eval', program];
    const { stdout } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', env });
    expect(JSON.parse(stdout)).toEqual(
      FILES.map(([name, , message]) => [name, expect.stringContaining(message) as unknown]),
    );

    const { status, stderr } = hookline('inspect', 'throws.ts');
    expect(stderr).toContain('throws.ts: loading it failed: boom (throws.ts:2)');
    expect(status).toBe(1);
  });

  it('is compiled without a cache in the temporary folder, where other users could put code', async () => {
    const temp = mkdtempSync(join(folder, 'temp-'));
    const env = { ...process.env, NODE_OPTIONS: '', HOOKLINE_DEVICE: '', TMPDIR: temp, TSX_DISABLE_CACHE: '' };
    // The trainer file imports this module by both `import` and `require`.
    writeFileSync(join(folder, 'part.ts'), 'export const part: number = 1;');
    writeFileSync(join(folder, 'cached.ts'), `import './part.ts';\n${TRAINER}`);
    const child = spawn(process.execPath, [BIN, 'inspect', 'cached.ts', '--output', 'runs/cached'], {
      cwd: folder,
      env,
      stdio: 'ignore',
    });
    expect(await new Promise((done) => child.on('close', done))).toBe(0);
    expect(readdirSync(temp)).toEqual([]);
  });

  it('that is missing gets a suggestion', () => {
    expect(hookline('train', 'trianer.ts').stderr).toContain('there is no such file. Did you mean "trainer.ts"?');
    expect(hookline('train', '.').stderr).toContain('it is a folder, not a trainer file. Did you mean "trainer.ts"?');
  });

  it('also works where package.json does not say "type": "module"', () => {
    const plain = join(folder, 'plain');
    mkdirSync(plain);
    writeFileSync(join(plain, 'package.json'), '{}');
    writeFileSync(join(plain, 'trainer.ts'), TRAINER);
    expect(stepsIn(hookline('train', 'plain/trainer.ts', '--output', 'runs/plain').stdout)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(hookline('train', 'plain/trainer.ts', '--set', 'bad=1').stderr).toBe(
      'error: [HKL_CONFIG] --set: bad is bad.\n',
    );
    writeFileSync(join(plain, 'await.ts'), 'export default await Promise.resolve({});');
    expect(hookline('train', 'plain/await.ts').stderr).toContain('write "type": "module" into package.json');
  });
});

describe('hookline', () => {
  it('exits with 2 for a command line that it does not understand', () => {
    const { status, stderr } = hookline('tarin', 'trainer.ts');
    expect(stderr).toContain('Did you mean train?');
    expect(status).toBe(2);
  });

  it('shows stacks with --debug', () => {
    expect(hookline('train', 'trainer.ts', '--set', 'bad=1', '--debug').stderr).toContain(
      `trainer.ts:${lineOf('bad is bad')}:`,
    );
  });

  it('refuses an unknown device in doctor as in train', () => {
    const { status, stderr } = runCommand(folder, ['doctor'], { HOOKLINE_DEVICE: 'tpu' });
    expect(stderr).toContain('[HKL_UNKNOWN_DEVICE] HOOKLINE_DEVICE: there is no device "tpu"');
    expect(status).toBe(1);
  });

  it('prints help and version', () => {
    expect(hookline('train', '--help').stdout).toContain('--set <key=value>');
    expect(hookline('setup', '--help').stdout).not.toContain('(default: true)');
    expect(hookline('--version').stdout).toMatch(/^hookline\/\d/);
  });
});
