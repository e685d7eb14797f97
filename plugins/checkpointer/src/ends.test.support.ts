import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConsoleLogger, definePlugin, randomRef, type StepContext, type StepRunner, TrainerBase } from '@hookline/core';
import { checkpointer } from './index.ts';

// Runs a training in a separate process that ends as the arguments say: folder, steps, fault, resume.

const [, , output = '', steps = '0', fault = 'none', mode = 'new'] = process.argv;
/** The iteration at which the fault happens. */
const FAULTY = 7;

/** Represents the weights: a number that depends on every step and every random number before it. */
let weight = 1;

const chain = definePlugin({
  name: 'chain',
  version: '1.0.0',
  requires: { random: randomRef },
  setup({ hooks, random }) {
    let noise = 0;
    hooks.beforeStep.tap(() => {
      noise = random.float();
    });
    hooks.afterStep.tap(() => {
      weight = Math.sin(weight * 3 + noise);
    });
    return { state: { save: () => weight, load: (saved) => void (weight = Number(saved)) } };
  },
});

/** The plugin that causes the fault. */
const culprit = definePlugin({
  name: 'culprit',
  version: '1.0.0',
  setup({ hooks }) {
    const at = (iteration: number, act: () => unknown): unknown =>
      iteration === FAULTY && mode === 'new' ? act() : undefined;
    const never = (): Promise<void> => new Promise(() => undefined);
    hooks.beforeStep.tap(
      ({ iteration }) =>
        at(iteration, () => {
          if (fault === 'exit') process.exit(0);
          if (fault === 'exit in a promise') return sleep(1).then(() => process.exit(0));
          if (fault === 'exit in a timer') setTimeout(() => process.exit(0), 1);
          if (fault === 'throw in a timer')
            setTimeout(() => {
              throw new Error('stray');
            }, 1);
          if (fault === 'rejection') void Promise.reject(new Error('stray'));
          if (fault === 'never') return never();
          if (fault === 'reallyExit') (process as unknown as { reallyExit(code: number): void }).reallyExit(0);
          return undefined;
        }) as undefined,
    );
    hooks.evaluate.tap(() => (fault === 'never in an inner hook' ? never() : undefined));
    hooks.afterTrain.tap(() => (fault === 'never at the end' && mode === 'new' ? never() : undefined));
  },
});

/** Reads a named pipe that nothing writes to, like a file on a lost network disk; one of Node's threads blocks on it. */
function hungRunner(): StepRunner {
  const pipe = `${output}.pipe`;
  execFileSync('mkfifo', [pipe]);
  let giveUp: ((error: unknown) => void) | undefined;
  return {
    run: ({ iteration }) => {
      if (iteration !== FAULTY) return { losses: { loss: 1 } };
      void readFile(pipe);
      return new Promise((_, reject) => (giveUp = reject));
    },
    waitsFor: () => (giveUp === undefined ? undefined : `reading ${pipe}`),
    stopWaiting: (error) => giveUp?.(error),
  };
}

const trainer = new TrainerBase({
  maxIterations: Number(steps),
  output,
  seed: 3,
  waitWarning: fault === 'slow' || fault === 'hung file' ? 0.2 : 60,
  logger: new ConsoleLogger(),
  plugins: [chain(), checkpointer({ period: 5 }), culprit()],
  step: fault === 'hung file' ? hungRunner() : step,
});

async function step({ iteration }: StepContext): Promise<number> {
  if (fault === 'never in the step' && iteration === FAULTY && mode === 'new') await new Promise(() => undefined);
  if (fault === 'talk') process.stdout.write('a line of output\n');
  if (fault === 'slow' && iteration === FAULTY) await sleep(1000);
  if (fault === 'hang' && iteration === FAULTY) {
    process.stderr.write('hanging\n');
    await sleep(1e9);
  }
  await sleep(fault === 'wait' || fault === 'talk' ? 20 : 0);
  return 1 / (iteration + 1);
}

if (mode === 'resume') await trainer.resumeOrLoad();
process.stdout.write('training\n');
const { status, iteration } = await trainer.train();
writeFileSync(`${output}.json`, JSON.stringify({ status, iteration, weight }));
// As the command line does: a file that never comes would keep the process alive.
process.exit(0);
