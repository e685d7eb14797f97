import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConsoleLogger, modelRef, RandomStream, type tf } from 'hookline';
import { bestPolicy, meanReturn, randomPolicy } from './catch.ts';
import { greedyPolicy } from './player.ts';
import trainer from './trainer.ts';

/** Number of games per figure. They differ from the games of the training. */
const GAMES = 500;
const games = () => new RandomStream(99, 'test games');

/** Trains with a seed. @returns the mean return of the greedy policy */
async function learn(seed: number): Promise<number> {
  const output = await mkdtemp(join(tmpdir(), 'catch-'));
  try {
    const one = trainer.create({ output, set: [`seed=${seed}`], logger: new ConsoleLogger({ level: 'warn' }) });
    await one.train();
    const net = (await one.service(modelRef)).parts?.get('q');
    const found = meanReturn(greedyPolicy({ predict: (x) => net?.predict?.(x) as tf.Tensor }), GAMES, games());
    await one.dispose();
    return found;
  } finally {
    await rm(output, { recursive: true });
  }
}

console.log(`best possible: ${meanReturn(bestPolicy, GAMES, games()).toFixed(2)}`);
console.log(`random moves:  ${meanReturn(randomPolicy(new RandomStream(1, 'moves')), GAMES, games()).toFixed(2)}`);
const returns: number[] = [];
for (const seed of [1, 2, 3, 4, 5]) {
  returns.push(await learn(seed));
  console.log(`seed ${seed}:        ${returns.at(-1)?.toFixed(2)}`);
}
console.log(`mean of seeds: ${(returns.reduce((sum, value) => sum + value, 0) / returns.length).toFixed(2)}`);
