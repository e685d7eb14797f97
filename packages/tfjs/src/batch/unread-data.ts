import { HooklineError } from '@hookline/core';
import type { DataSource } from './open-data.ts';

/**
 * Stands in the place of training data in a trainer that only predicts and evaluates, so that nothing is read. The position
 * of a checkpoint is kept as it is, whatever data it is of. Whoever asks for a batch gets {@link unreadDataError}.
 */
export const unreadData: DataSource = () => {
  throw unreadDataError();
};

/** The error `HKL_DATA_UNREAD`: a training is asked for where the training data are not read. */
export const unreadDataError = (): HooklineError =>
  new HooklineError('HKL_DATA_UNREAD', 'the training data have not been read', {
    who: 'data',
    fix: 'A trainer that has loaded a checkpoint by loadForInference does not train: make another one for that, and load by resumeOrLoad',
  });
