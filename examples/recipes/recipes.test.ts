import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import {
  ClassificationEvaluator,
  ConsoleLogger,
  inferenceOnDataset,
  ArrayLoader,
  modelRef,
  selectDevice,
} from 'hookline';
import { trainOn } from './another-rate.ts';
import { balancedWeights, weightedTrainer } from './class-weights.ts';
import { crossValidate } from './cross-validation.ts';
import { fieldsOf, flowers } from './flowers.ts';
import { sweep } from './sweep.ts';

const logger = new ConsoleLogger({ level: 'silent' });
let output: string;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  output = temporaryFolder();
});

describe('recipes', () => {
  it('are identical to the code on their page', async () => {
    const page = await readFile(new URL('../../docs/recipes.md', import.meta.url), 'utf8');
    for (const name of ['flowers', 'cross-validation', 'sweep', 'trial-by-lines', 'another-rate', 'class-weights']) {
      const code = await readFile(new URL(`${name}.ts`, import.meta.url), 'utf8');
      expect(page).toContain(`\`\`\`ts\n${code}\`\`\``);
    }
  });

  it('cross-validate: each sample is tested once, and every fold is learned', async () => {
    const accuracies = await crossValidate(3, output, logger);
    expect(accuracies).toHaveLength(3);
    for (const accuracy of accuracies) expect(accuracy).toBeGreaterThan(0.7);
  });

  it('sweep over options and find that a learning rate that is far too low is worse', async () => {
    const found = await sweep(output, logger);
    expect(found.map(({ learningRate }) => learningRate)).toEqual([0.05, 0.05, 0.001, 0.001]);
  });

  it('run the trials of another program, one per line', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'examples/recipes/trial-by-lines.ts', output], {
      cwd: new URL('../..', import.meta.url),
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin.end('{"learningRate":0.05,"batchSize":15}\n{"learningRate":-1,"batchSize":15}\n');
    const answers: unknown[] = [];
    for await (const line of createInterface({ input: child.stdout })) answers.push(JSON.parse(line));
    expect(answers).toEqual([{ loss: expect.any(Number) }, { error: expect.stringContaining('HKL_') }]);
  }, 60_000);

  it('resume a run with another learning rate', async () => {
    const first = await trainOn(2, 0.05, output, logger);
    expect(first.result).toMatchObject({ status: 'completed', iteration: 12 });
    const { trainer, result } = await trainOn(3, 0.01, output, logger);
    expect(result).toMatchObject({ status: 'completed', iteration: 18 });
    expect(trainer.startIteration).toBe(12);
  });

  it('weight classes, so that a rare class is recognised', async () => {
    expect(balancedWeights([0, 0, 0, 1], 2)).toEqual([4 / 6, 2]);
    const trainer = weightedTrainer(output, logger);
    await trainer.train();
    const data = new ArrayLoader(fieldsOf(flowers), { batchSize: 60 });
    const judge = new ClassificationEvaluator({ classNames: ['often', 'rare'] });
    const found = await inferenceOnDataset(await trainer.service(modelRef), data, judge, { logger });
    expect(found['accuracy-rare']).toBeGreaterThan(0.8);
    await trainer.dispose();
  });
});
