import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ConsoleLogger, definePlugin, evaluationRef, type Plugin, TrainerBase } from '@hookline/core';
import { profiler } from './index.ts';

let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly ts: number;
  readonly dur: number;
  readonly tid: number;
  readonly args: { readonly iteration: number };
}

const worker = definePlugin({
  name: 'worker',
  version: '1.0.0',
  requires: { evaluation: evaluationRef },
  setup({ hooks, evaluation }) {
    hooks.beforeStep.tap(() => undefined);
    hooks.evaluate.tap(async () => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      return { accuracy: 1 };
    });
    hooks.afterStep.tap(async (step) => void (await evaluation.run(step)));
  },
});

async function run(options: Parameters<typeof profiler>[0], plugins: Plugin[] = [worker()], maxIterations = 12) {
  const text: string[] = [];
  const logger = new ConsoleLogger({ stream: { write: (chunk: string) => void text.push(chunk) }, live: false });
  const step = async () => {
    await new Promise((resolve) => setTimeout(resolve, 2));
    return { losses: { loss: 1 }, dataTime: 0.0005 };
  };
  await new TrainerBase({ step, maxIterations, output: dir, logger, plugins: [...plugins, profiler(options)] }).train();
  return text.join('');
}

const trace = async () =>
  (JSON.parse(await readFile(join(dir, 'trace.json'), 'utf8')) as { traceEvents: TraceEvent[] }).traceEvents;
const spans = async () => (await trace()).filter(({ ph }) => ph === 'X');
/** The calls column of a row of the table. */
const callsOf = (text: string, who: string, what: string): number =>
  Number(new RegExp(`^${who} +${what} +(\\d+) `, 'm').exec(text)?.[1]);

describe('profiler', () => {
  it('has the version of its package', async () => {
    const manifest = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as object;
    expect(manifest).toMatchObject({ name: profiler.definition.name, version: profiler.definition.version });
  });

  it('measures the steps of its window and tells how often what ran', async () => {
    const text = await run({ start: 3, steps: 4 });
    expect(text).toContain('Time of 4 steps');
    expect(callsOf(text, 'step', 'step runner')).toBe(4);
    expect(callsOf(text, 'step', 'waiting for data')).toBe(4);
    expect(callsOf(text, 'worker', 'beforeStep')).toBe(4);
    expect(callsOf(text, 'worker', 'afterStep')).toBe(4);
    expect(callsOf(text, 'worker', 'evaluate')).toBe(4);
    const iterations = new Set((await spans()).map(({ args }) => args.iteration));
    expect([...iterations].sort()).toEqual([3, 4, 5, 6]);
  });

  it('writes a trace in which spans lie within their steps', async () => {
    await run({ start: 1, steps: 3 });
    const all = await spans();
    for (const i of [1, 2, 3]) {
      const step = all.find(({ name }) => name === `step ${i}`) as TraceEvent;
      const within = all.filter(
        ({ args, name }) => args.iteration === i && !name.startsWith('@hookline') && name !== step.name,
      );
      expect(within.map(({ name }) => name).sort()).toEqual([
        'step runner',
        'worker · afterStep',
        // The plugin listed before the profiler is seen from the second step on.
        ...(i === 1 ? [] : ['worker · beforeStep']),
        'worker · evaluate',
      ]);
      for (const { ts, dur } of within) {
        expect(ts).toBeGreaterThanOrEqual(step.ts - 0.01);
        expect(ts + dur).toBeLessThanOrEqual(step.ts + step.dur + 0.01);
      }
      const evaluate = within.find(({ name }) => name.endsWith('evaluate')) as TraceEvent;
      const after = within.find(({ name }) => name.endsWith('afterStep')) as TraceEvent;
      expect(evaluate.ts).toBeGreaterThanOrEqual(after.ts);
      expect(evaluate.ts + evaluate.dur).toBeLessThanOrEqual(after.ts + after.dur + 0.01);
    }
    const names = (await trace()).filter(({ name }) => name === 'thread_name');
    expect(names.map(({ args }) => (args as unknown as { name: string }).name).sort()).toEqual(['plugins', 'step']);
  });

  it('takes a predicate, also of steps that are not neighbours', async () => {
    const text = await run({ when: ({ iteration }) => iteration % 5 === 0 });
    expect(callsOf(text, 'step', 'step runner')).toBe(3);
    expect(callsOf(text, 'worker', 'afterStep')).toBe(3);
    expect(
      (await spans()).filter(({ name }) => name.startsWith('step ') && name !== 'step runner').map(({ name }) => name),
    ).toEqual(['step 0', 'step 5', 'step 10']);
  });

  it('measures the runner where it is alone', async () => {
    const text = await run({ start: 0, steps: 5 }, []);
    expect(callsOf(text, 'step', 'step runner')).toBe(5);
  });

  it('keeps the trace as small as told, says so, and writes none when told so', async () => {
    expect(await run({ start: 0, steps: 10, maxEvents: 7 })).toMatch(/warning: .*\d+ events did not fit/);
    expect(await spans()).toHaveLength(7);
    await rm(join(dir, 'trace.json'));
    expect(await run({ start: 0, trace: false })).not.toContain('did not fit');
    expect(await readdir(dir)).toEqual([]);
  });

  it('says when nothing was measured, and which file it cannot write', async () => {
    expect(await run({ start: 100 })).toContain('No step was measured');
    await mkdir(join(dir, 'trace.json'));
    await expect(run({ start: 0 })).rejects.toThrow(/cannot write .*trace\.json/);
  });
});
