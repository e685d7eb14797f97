import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../../..');
const SKIPPED = new Set(['node_modules', 'dist', '.git', 'runs', 'output']);

/** All Markdown files below a folder. */
async function markdownFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : markdownFiles(path);
      return entry.name.endsWith('.md') ? [path] : [];
    }),
  );
  return found.flat();
}

/** Targets of inline links, images and link definitions, outside of code. */
function linksOf(markdown: string): string[] {
  const prose = markdown.replace(/^(`{3,}|~{3,})[\s\S]*?^\1/gm, '').replace(/`[^`\n]*`/g, '');
  const inline = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
  const definitions = [...prose.matchAll(/^\s*\[[^\]]+\]:\s*<?([^\s>]+)/gm)];
  return [...inline, ...definitions].map(([, target = '']) => target);
}

/** The anchors of a page's headings. */
function anchorsOf(markdown: string): Set<string> {
  const prose = markdown.replace(/^(`{3,}|~{3,})[\s\S]*?^\1/gm, '');
  const anchors = new Set<string>();
  for (const [, heading = ''] of prose.matchAll(/^#{1,6}\s+(.*)$/gm)) {
    const anchor = heading
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    for (let copy = 0; ; copy++) {
      const name = copy === 0 ? anchor : `${anchor}-${copy}`;
      if (anchors.has(name)) continue;
      anchors.add(name);
      break;
    }
  }
  return anchors;
}

/** Broken relative links, as `page: target`. */
async function brokenLinks(root: string): Promise<{ readonly checked: number; readonly broken: string[] }> {
  const broken: string[] = [];
  let checked = 0;
  for (const page of await markdownFiles(root)) {
    for (const target of linksOf(await readFile(page, 'utf8'))) {
      if (/^[a-z][a-z0-9+.-]*:/i.test(target)) continue;
      checked++;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : resolve(dirname(page), decodeURIComponent(path));
      const leadsOut = relative(root, file).startsWith('..');
      const isFound =
        !leadsOut &&
        existsSync(file) &&
        (anchor === undefined || !file.endsWith('.md') || anchorsOf(await readFile(file, 'utf8')).has(anchor));
      if (!isFound) broken.push(`${relative(root, page)}: ${target}`);
    }
  }
  return { checked, broken };
}

describe('links in Markdown files', () => {
  it('of this repository lead to files and headings that exist', async () => {
    const { checked, broken } = await brokenLinks(ROOT);
    expect(broken).toEqual([]);
    expect(checked).toBeGreaterThan(100);
  });

  it('that lead nowhere are found', async () => {
    const folder = temporaryFolder();
    await mkdir(join(folder, 'docs'));
    await writeFile(
      join(folder, 'docs', 'page.md'),
      [
        '# A page, with `code`',
        '[good](../other.md) [good](../other.md#two-words) [good](#a-page-with-code) [web](https://example.org/x)',
        '[bad](gone.md) [bad](../other.md#three) ![bad](picture.png "title") [bad](../../outside.md)',
        '`[code](nowhere.md)`',
        '```md',
        '[code](nowhere.md)',
        '```',
        '[bad]: missing.md',
      ].join('\n'),
    );
    await writeFile(join(folder, 'other.md'), '## Two words\n');
    expect(await brokenLinks(folder)).toEqual({
      checked: 8,
      broken: [
        'docs/page.md: gone.md',
        'docs/page.md: ../other.md#three',
        'docs/page.md: picture.png',
        'docs/page.md: ../../outside.md',
        'docs/page.md: missing.md',
      ],
    });
  });
});
