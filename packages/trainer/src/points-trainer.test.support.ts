import { ConsoleLogger } from '@hookline/core';
import { adam } from '@hookline/tfjs';
import { makeNet, points } from './all-plugins.test.support.ts';
import { SimpleTrainer, type SimpleTrainerOptions } from './simple-trainer.ts';

/** Makes a silent trainer of six steps on {@link points}; the given options replace its own. */
export const pointsTrainer = (options: Partial<SimpleTrainerOptions> & { readonly output: string }): SimpleTrainer =>
  new SimpleTrainer({
    model: makeNet,
    optimizer: (model) => adam(model, { learningRate: 0.01 }),
    data: points,
    repeat: true,
    maxIterations: 6,
    seed: 3,
    logger: new ConsoleLogger({ level: 'silent' }),
    ...options,
  });

/** Returns the error with which a promise rejects; throws if it does not reject. */
export const failure = (attempt: Promise<unknown>): Promise<Error> =>
  attempt.then(
    () => new Error('nothing failed'),
    (error: unknown) => error as Error,
  );
