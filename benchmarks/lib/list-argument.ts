/** Splits an option that is a list, such as `--nets mlp,convnet`. Undefined if the option was not given. */
export const listArgument = (value: unknown): string[] | undefined =>
  typeof value === 'string' ? value.split(',') : undefined;
