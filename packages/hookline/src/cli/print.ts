import { terminalText } from '@hookline/core';

/** Writes a result to standard output; what a terminal would obey is made visible. */
export function print(text: string): void {
  console.log(terminalText(text));
}

/** Writes a message to standard error; what a terminal would obey is made visible. */
export function printError(text: string): void {
  console.error(terminalText(text));
}
