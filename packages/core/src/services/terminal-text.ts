/**
 * Characters that a terminal may interpret as commands: control characters except tab and newline, and the marks that
 * change the direction of text, which can make a line read as a different one.
 */
// eslint-disable-next-line no-control-regex -- they are what is to be found
const COMMANDS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/**
 * Makes text safe for a terminal. Names of classes, files and metrics, and messages of other programs, may contain
 * escape sequences; these become visible, as `\\u001b`. Tabs and newlines stay.
 *
 * @param text may be JSON, which stays equivalent JSON
 */
export function terminalText(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(COMMANDS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
