/** As an entry of `datasets.train`: all that is annotated in `data.root`. */
export const ALL = 'all';

/** As an entry of `datasets.test`: every fifth image of the training data, which training then leaves out. */
export const HELD_BACK = 'held-back';
