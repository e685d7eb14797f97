import { join } from 'node:path';
import { ConsoleLogger, modelRef, RandomStream } from 'hookline';
import { BALLS, bestPolicy, meanReturn, randomPolicy } from './catch.ts';
import trainer from './trainer.ts';

const output = temporaryFolder();

const make = (folder: string) =>
  trainer.create({
    output: join(output, folder),
    set: ['seed=1', 'solver.batchSize=8', 'solver.maxIterations=120', 'checkpoint.period=110'],
    logger: new ConsoleLogger({ level: 'silent' }),
  });

it('has an optimal policy that catches every ball and a random policy that catches few', () => {
  expect(meanReturn(bestPolicy, 20, new RandomStream(1, 'games'))).toBe(BALLS);
  expect(meanReturn(randomPolicy(new RandomStream(1, 'moves')), 20, new RandomStream(1, 'games'))).toBeLessThan(-4);
});

it('resumes with the same games, memory and target network, to the bit', async () => {
  const whole = make('whole');
  await whole.train();
  const resumed = make('resumed');
  await resumed.load(join(output, 'whole', 'model_0000109.safetensors'));
  await resumed.train();
  const weights = async (one: typeof whole) => {
    const model = await one.service(modelRef);
    return [model.trainable(), model.state()].map((of) => [...of.values()].map((variable) => [...variable.dataSync()]));
  };
  const found = await weights(whole);
  expect(await weights(resumed)).toEqual(found);
  const returns = (one: typeof whole) => one.storage.history('return').values();
  expect(returns(resumed)).toEqual(returns(whole));
  // The target is a copy of the net at step 100; the net has learned since.
  const [net, target] = found;
  expect(target).toHaveLength(6);
  expect(target).not.toEqual(net);
});
