/**
 * What a terminal could take for a command: control characters except tab and newline, and the marks that turn the
 * direction of writing, which can make a line read as another one.
 */
// eslint-disable-next-line no-control-regex -- they are what is to be found
const COMMANDS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/**
 * Text that a terminal shows and does not obey: names of classes, files and metrics, and messages of others may hold
 * escape sequences. They become visible, as `\\u001b`; tabs and newlines stay.
 *
 * @param text also JSON, which stays the same JSON
 */
export function terminalText(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(COMMANDS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
