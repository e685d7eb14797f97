import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** The blocks of code on a page of this repository. @param page path of the Markdown file in the repository */
export function codeBlocks(page: string, language = 'ts'): string[] {
  const text = readFileSync(resolve(import.meta.dirname, '../../..', page), 'utf8');
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, code]) => code as string);
}

/** The first block of TypeScript on a page that contains `marker`. @throws Error if there is none */
export function codeBlock(page: string, marker: string): string {
  const found = codeBlocks(page).find((code) => code.includes(marker));
  if (found === undefined) throw new Error(`${page} has no block of code with "${marker}"`);
  return found;
}
