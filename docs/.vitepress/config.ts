import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { defineConfig, type DefaultTheme, type MarkdownOptions } from 'vitepress';

const ROOT = resolve(import.meta.dirname, '../..');
const README = 'README.md';

/** Where the pages stand in the site, by their files in the repository; others are no pages. */
function pageOf(file: string): string | undefined {
  const [group, name, rest] = file.split('/');
  if (group === 'docs' && rest === undefined) return name;
  if (['packages', 'plugins', 'examples'].includes(group ?? '') && rest === README) return `${group}/${name}.md`;
  if ((group === 'campaigns' || group === 'benchmarks') && name === README) return `${group}.md`;
  if (name === undefined && group?.endsWith('.md')) return group === README ? 'readme.md' : group.toLowerCase();
  return undefined;
}

/** The page, or undefined for another file of the repository. @throws for a link that leads nowhere */
function targetOf(link: string, from: string): string | undefined {
  const [path = '', anchor] = link.split('#');
  const file = resolve(from, '..', decodeURIComponent(path));
  if (!existsSync(file)) throw new Error(`${relative(ROOT, from)}: the link ${link} leads nowhere`);
  const page = pageOf(relative(ROOT, statSync(file).isDirectory() ? join(file, README) : file).replaceAll('\\', '/'));
  if (page === undefined || (statSync(file).isDirectory() && !existsSync(join(file, README)))) return undefined;
  return `/${page}${anchor === undefined ? '' : `#${anchor}`}`;
}

/**
 * Links of the pages are those of the repository. Those to other pages become links of the site; of those to sources,
 * which are not in it, the text is left.
 */
const withSiteLinks: MarkdownOptions['config'] = (md) => {
  md.core.ruler.push('site-links', ({ tokens, env }) => {
    const { realPath, path } = env as { realPath?: string; path: string };
    const from = realPath ?? path;
    for (const token of tokens) {
      let isDropped = false;
      for (const inline of token.children ?? []) {
        if (inline.type === 'link_open') {
          const link = inline.attrGet('href') ?? '';
          if (/^([a-z][a-z0-9+.-]*:|#|\/)/i.test(link)) continue;
          const target = targetOf(link, from);
          isDropped = target === undefined;
          if (target !== undefined) inline.attrSet('href', target);
        }
        if (isDropped && inline.type.startsWith('link_')) {
          isDropped = inline.type === 'link_open';
          Object.assign(inline, { type: 'text', tag: '', nesting: 0, content: '' });
        }
      }
    }
  });
};

/** The anchor of a heading, as the places that show Markdown files make it. */
const slugify = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');

/** The pages of the packages in a folder. */
function pagesOf(group: string): DefaultTheme.SidebarItem[] {
  return readdirSync(join(ROOT, group))
    .filter((name) => existsSync(join(ROOT, group, name, README)))
    .map((name) => ({ text: name, link: `/${group}/${name}` }));
}

const { version } = JSON.parse(readFileSync(join(ROOT, 'packages/hookline/package.json'), 'utf8')) as {
  version: string;
};

export default defineConfig({
  title: 'Hookline',
  description: 'A training engine for TensorFlow.js, built from hooks and plugins',
  // There is no icon; without this line browsers would request one.
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  srcDir: '..',
  srcExclude: [
    '**/{node_modules,dist,runs,output,templates}/**',
    '**/CHANGELOG.md',
    'plugins/*/src/**',
    'packages/*/src/**',
  ],
  rewrites: (file) => pageOf(file) ?? file,
  markdown: { config: withSiteLinks, anchor: { slugify }, toc: { slugify } },
  // TypeDoc makes the API pages, so VitePress does not know them. Error messages contain localhost addresses as examples.
  ignoreDeadLinks: [/^\/api\//, /^http:\/\/localhost/],
  vite: { publicDir: join(import.meta.dirname, 'public') },
  transformPageData: (page) =>
    page.relativePath === 'errors.md' ? { frontmatter: { ...page.frontmatter, outline: false } } : undefined,
  themeConfig: {
    search: { provider: 'local' },
    outline: { level: [2, 3] },
    nav: [
      { text: 'Guides', link: '/first-detector', activeMatch: '^/first-' },
      { text: 'Plugins', link: '/plugin-catalogue', activeMatch: '^/plugin' },
      { text: 'API', link: '/api/index.html', target: '_self' },
      {
        text: version,
        items: [
          { text: 'Architecture', link: '/architecture' },
          { text: 'Contributing', link: '/contributing' },
        ],
      },
    ],
    sidebar: [
      {
        text: 'First steps',
        items: [
          { text: 'Train a detector', link: '/first-detector' },
          { text: 'Train a model of your own', link: '/first-model' },
          { text: 'Write a plugin', link: '/first-plugin' },
          { text: 'Share a preset', link: '/first-preset' },
          { text: 'Coming from detectron2', link: '/detectron2' },
          { text: 'Coming from Lightning or Keras', link: '/lightning-and-keras' },
        ],
      },
      {
        text: 'Guides',
        items: [
          { text: 'Your own data', link: '/train-on-your-own-data' },
          { text: 'Pretrained weights', link: '/pretrained-weights' },
          { text: 'Export', link: '/export' },
          { text: 'Alternating updates', link: '/alternating' },
          { text: 'The bare loop', link: '/bare-loop' },
          { text: 'Recipes', link: '/recipes' },
          { text: 'Captured steps', link: '/captured-steps' },
          { text: 'Several machines', link: '/several-machines' },
          { text: 'Model families', link: '/model-families' },
          { text: 'The native runtime', link: '/native-runtime' },
          { text: 'Error codes', link: '/errors' },
        ],
      },
      {
        text: 'Plugins and presets',
        items: [
          { text: 'Available plugins', link: '/plugin-catalogue' },
          { text: 'Writing plugins', link: '/plugins' },
          { text: 'Publishing a plugin', link: '/publish-a-plugin' },
          { text: 'Presets', link: '/presets' },
          { text: 'Plugins A to Z', collapsed: true, items: pagesOf('plugins') },
        ],
      },
      { text: 'Packages', collapsed: true, items: pagesOf('packages') },
      { text: 'Examples', collapsed: true, items: pagesOf('examples') },
    ],
  },
});
