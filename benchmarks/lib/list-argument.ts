/** An option that is a list, such as `--nets mlp,convnet`; undefined where it was not given. */
export const listArgument = (value: unknown): string[] | undefined =>
  typeof value === 'string' ? value.split(',') : undefined;
