import { open, readFile } from 'node:fs/promises';
import { describeCause, HooklineError } from '@hookline/core';

/**
 * Decodes a text file. Its encoding is that of the byte-order mark, else that of an XML declaration, else
 * UTF-8. Bytes that are not valid UTF-8 are read as Windows-1252, the superset of Latin-1.
 *
 * @throws RangeError for an unknown encoding
 */
export function decodeText(bytes: Uint8Array): string {
  const [first = 0, second = 0] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  // XML in UTF-16 may lack the mark.
  if (first === 0x3c && second === 0) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0 && second === 0x3c) return new TextDecoder('utf-16be').decode(bytes);
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 200)).toString('latin1');
  const [, stated] = /<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)["']/.exec(head) ?? [];
  // A declaration that is readable as ASCII is not in UTF-16, whatever it says.
  if (stated !== undefined && !/^utf-?(8|16)/i.test(stated)) return new TextDecoder(stated).decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

/** Reads a text file in the encoding that {@link decodeText} finds. */
export const readText = async (file: string): Promise<string> => decodeText(await readFile(file));

/** Reads the first `bytes` bytes of a text file. */
export async function readTextHead(file: string, bytes: number): Promise<string> {
  const handle = await open(file);
  try {
    const buffer = Buffer.alloc(bytes);
    const { bytesRead } = await handle.read(buffer, 0, bytes, 0);
    const head = buffer.subarray(0, bytesRead);
    // A character cut off at the end would make the whole text look like another encoding.
    const isCut = bytesRead === bytes && head[0] !== 0xff && head[0] !== 0xfe;
    return isCut ? head.toString('utf8') : decodeText(head);
  } finally {
    await handle.close();
  }
}

/**
 * Parses JSON as tools write it, which includes a byte-order mark and the `NaN` and `Infinity` of Python's `json`. These
 * become the strings `"NaN"` and so on, so they do not count as numbers.
 *
 * @throws SyntaxError when the text is not JSON in this sense
 */
export function parseJson(text: string): unknown {
  const plain = text.startsWith('\uFEFF') ? text.slice(1) : text;
  try {
    return JSON.parse(plain) as unknown;
  } catch (error) {
    if (!/\b(NaN|Infinity)\b/.test(plain)) throw error;
    const quoted = plain.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\b(?:NaN|Infinity)\b/g, (token) =>
      token.startsWith('"') ? token : `"${token}"`,
    );
    return JSON.parse(quoted) as unknown;
  }
}

/**
 * Reads a JSON file and picks the part that is needed.
 *
 * @param pick returns the part from the parsed file, or undefined when it is missing
 * @param absence the message when it is missing, such as `it holds no list`
 * @throws HooklineError `HKL_DATASET_UNREADABLE` when the file cannot be read or parsed, or the part is missing
 */
export async function readJson<T>(
  file: string,
  pick: (parsed: unknown) => T | undefined,
  { absence, fix }: { readonly absence: string; readonly fix: string },
): Promise<T> {
  let parsed: unknown;
  try {
    parsed = parseJson(await readText(file));
  } catch (cause) {
    throw unreadable(file, `it cannot be read: ${describeCause(cause)}`, { fix, cause });
  }
  const found = pick(parsed);
  if (found === undefined) throw unreadable(file, absence, { fix });
  return found;
}

const unreadable = (who: string, what: string, details: { readonly fix: string; readonly cause?: unknown }) =>
  new HooklineError('HKL_DATASET_UNREADABLE', what, { who, ...details });

/** The keys of the two top levels of a JSON file. */
export interface JsonOutline {
  readonly root: 'object' | 'array' | 'other';
  /** Keys of the root object. */
  readonly keys: ReadonlySet<string>;
  /** Keys of the objects directly in the root. */
  readonly inner: ReadonlySet<string>;
}

/** Finds the outline of a JSON text, which may be truncated anywhere. */
export function outlineJson(text: string): JsonOutline {
  const keys = new Set<string>();
  const inner = new Set<string>();
  const open: string[] = [];
  const token = /"([^"\\]*(?:\\.[^"\\]*)*)"\s*(:?)|[[\]{}]/g;
  for (const [all, name = '', colon] of text.matchAll(token)) {
    if (all === '{' || all === '[') open.push(all);
    else if (all === '}' || all === ']') open.pop();
    else if (colon === ':' && open.length === 1) keys.add(name);
    else if (colon === ':' && open.length === 2 && open[1] === '{') inner.add(name);
  }
  const first = /^\uFEFF?\s*([[{])/.exec(text)?.[1];
  return { root: first === '{' ? 'object' : first === '[' ? 'array' : 'other', keys, inner };
}
