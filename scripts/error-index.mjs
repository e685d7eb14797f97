import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import prettier from 'prettier';
import { collectErrorCodes } from './lib/error-codes.mjs';
import { formatErrorIndex, withoutRemedy } from './lib/error-index.mjs';
import { ROOT } from './lib/processes.mjs';

// npm run errors [-- --check]: writes docs/errors.md, or with --check reports what is wrong with it.
const NOTES = join(ROOT, 'scripts', 'error-notes.json');
const PAGE = join(ROOT, 'docs', 'errors.md');

const sources = ['packages', 'plugins'].flatMap((group) =>
  readdirSync(join(ROOT, group)).flatMap((folder) => {
    const base = join(ROOT, group, folder);
    if (!existsSync(join(base, 'package.json'))) return [];
    /** @type {{ name: string }} */
    const { name } = JSON.parse(readFileSync(join(base, 'package.json'), 'utf8'));
    return readdirSync(join(base, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.includes('.test.'))
      .map((path) => join(base, 'src', path))
      .sort()
      .map((path) => ({ path, packageName: name, text: readFileSync(path, 'utf8') }));
  }),
);
/** @type {import('./lib/error-index.mjs').Notes} */
const notes = JSON.parse(readFileSync(NOTES, 'utf8'));
const codes = collectErrorCodes(sources);
const problems = withoutRemedy(codes, notes);
const options = { ...(await prettier.resolveConfig(PAGE)), filepath: PAGE };
const page = await prettier.format(formatErrorIndex(codes, notes), options);
if (!process.argv.includes('--check')) writeFileSync(PAGE, page);
else if (readFileSync(PAGE, 'utf8') !== page) problems.push('docs/errors.md is out of date: run `npm run errors`');
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
