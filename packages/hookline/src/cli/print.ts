import { terminalText } from '@hookline/core';

/** Writes a result to standard output. Control characters are escaped. */
export function print(text: string): void {
  console.log(terminalText(text));
}

/** Writes a message to standard error. Control characters are escaped. */
export function printError(text: string): void {
  console.error(terminalText(text));
}
