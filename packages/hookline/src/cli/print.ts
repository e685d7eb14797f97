import { relative } from 'node:path';
import { terminalText } from '@hookline/core';

/** Writes a result to standard output. Control characters are escaped. */
export function print(text: string): void {
  console.log(terminalText(text));
}

/** Writes a message to standard error. Control characters are escaped. */
export function printError(text: string): void {
  console.error(terminalText(text));
}

/** `kind: path` lines, aligned; paths below the current folder are relative. */
export function line(kind: string, path: string): string {
  return `${`${kind}:`.padEnd(12)}${shown(path)}`;
}

/** A path relative to the current folder, if that is shorter. */
export function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' ? '.' : short.startsWith('..') ? path : short;
}
