/** What came of one way to get something: the thing, or why not. */
export type Attempt<T> =
  | { readonly outcome: 'used'; readonly value: T; readonly detail: string }
  | {
      readonly outcome: 'skipped' | 'failed';
      readonly value: undefined;
      readonly detail: string;
      /** Code of the error that this becomes where the thing was asked for by name. */
      readonly code?: string | undefined;
    };

export function used<T>(value: T, detail: string): Attempt<T> {
  return { outcome: 'used', value, detail };
}

/** It does not apply here; nothing was tried. */
export function skipped(detail: string): Attempt<never> {
  return { outcome: 'skipped', value: undefined, detail };
}

/** It was tried and did not work. */
export function failed(detail: string, code?: string): Attempt<never> {
  return { outcome: 'failed', value: undefined, detail, code };
}

/** The last lines of a program's output that say something, for a message. */
export function lastWords(output: string, lines = 2): string {
  const said = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return said.slice(-lines).join(' | ').slice(0, 400);
}
