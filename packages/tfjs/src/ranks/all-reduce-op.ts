/** TensorFlow's name of the op by which ranks meet inside a step. */
export const ALL_REDUCE = 'HooklineAllReduce';
