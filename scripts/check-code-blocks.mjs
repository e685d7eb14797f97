import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { checkCodeBlocks, codeBlocks } from './lib/code-blocks.mjs';
import { ROOT } from './lib/processes.mjs';

// Type-checks the code of the guides and READMEs against the built packages.
/** @type {Map<string, string>} Paths of the built type declarations, by package. */
const types = new Map();
const pages = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];
for (const group of ['packages', 'plugins', 'examples']) {
  for (const folder of readdirSync(join(ROOT, group))) {
    const [readme, manifest] = [join(group, folder, 'README.md'), join(ROOT, group, folder, 'package.json')];
    if (existsSync(join(ROOT, readme))) pages.push(readme);
    const built = join(ROOT, group, folder, 'dist', 'index.d.ts');
    if (existsSync(manifest) && existsSync(built)) types.set(JSON.parse(readFileSync(manifest, 'utf8')).name, built);
  }
}
const { options } = ts.convertCompilerOptionsFromJson(
  {
    ...{ target: 'ES2023', lib: ['ES2023', 'ESNext.Disposable', 'DOM', 'DOM.Iterable'], types: ['node'] },
    ...{
      module: 'NodeNext',
      moduleResolution: 'NodeNext',
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: true,
      noEmit: true,
    },
    paths: Object.fromEntries([...types].map(([name, path]) => [name, [path]])),
  },
  ROOT,
);
const exports = exportedNames(types, options);
const blocks = pages.flatMap((page) => codeBlocks(join(ROOT, page), readFileSync(join(ROOT, page), 'utf8')));
const problems = checkCodeBlocks(blocks, {
  exports,
  options,
  isOutside: (module) => !types.has(module) && !module.startsWith('@hookline/'),
});
for (const problem of problems) console.error(problem.replace(`${ROOT}/`, ''));
console.log(
  `${blocks.length} blocks of code in ${new Set(blocks.map(({ page }) => relative(ROOT, page))).size} pages, ${problems.length} problems`,
);
process.exitCode = problems.length === 0 ? 0 : 1;

/**
 * @param {ReadonlyMap<string, string>} modules files by package
 * @param {ts.CompilerOptions} settings
 * @returns {Map<string, string>} for each exported name, a package that exports it: `hookline` if it does
 */
function exportedNames(modules, settings) {
  const program = ts.createProgram([...modules.values()], settings);
  const checker = program.getTypeChecker();
  /** @type {Map<string, string>} */
  const names = new Map([['z', 'zod']]);
  for (const [name, path] of [...modules].sort(
    ([one], [other]) => Number(one === 'hookline') - Number(other === 'hookline'),
  )) {
    const file = program.getSourceFile(path);
    const symbol = file && checker.getSymbolAtLocation(file);
    for (const each of symbol === undefined ? [] : checker.getExportsOfModule(symbol)) names.set(each.name, name);
  }
  return names;
}
