import { basename, dirname, join } from 'node:path';
import ts from 'typescript';

/**
 * @typedef {{ page: string, line: number, code: string }} CodeBlock a block of TypeScript, its page, and the line it starts at
 */

/** Extracts the TypeScript blocks of a page. @param {string} page its path @param {string} text @returns {CodeBlock[]} */
export function codeBlocks(page, text) {
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => ({
    page,
    line: text.slice(0, match.index).split('\n').length + 1,
    code: match[1] ?? '',
  }));
}

/** Error codes to ignore: unknown names that the surrounding text explains, and parameters without a type. */
const OPEN = new Set([2304, 18004, 2552, 2503, 2582, 2593, 7006, 7031, 7005, 7034, 1470]);
/** Error codes to ignore for the body of a function that is shown alone. */
const BODY = new Set([1108, 1308, 1378]);

/**
 * Type-checks blocks of code. Names that a package exports and the block does not import are imported for it. A block may
 * also use undeclared names, which stand for the reader's own code. Everything else must be correct.
 *
 * @param {readonly CodeBlock[]} blocks
 * @param {{ exports: ReadonlyMap<string, string>, options: ts.CompilerOptions, isOutside: (module: string) => boolean }} context
 * `exports`: the package of each exported name; `isOutside`: whether a module that cannot be found is a third-party one
 * @returns {string[]} the errors, as `page:line: message`
 */
export function checkCodeBlocks(blocks, { exports, options, isOutside }) {
  const sources = new Map(
    blocks.map((block, at) => {
      const text = `${importsFor(block.code, exports)}\n${block.code}\nexport {};\n`;
      return [join(dirname(block.page), `${basename(block.page, '.md')}.${at}.ts`), { block, text }];
    }),
  );
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (path) => sources.has(path) || fileExists(path);
  host.readFile = (path) => sources.get(path)?.text ?? readFile(path);
  host.getSourceFile = (path, ...rest) => {
    const source = sources.get(path);
    return source === undefined
      ? getSourceFile(path, ...rest)
      : ts.createSourceFile(path, source.text, ts.ScriptTarget.Latest, true);
  };
  const program = ts.createProgram([...sources.keys()], options, host);
  return [...sources].flatMap(([path, { block }]) => {
    const file = program.getSourceFile(path);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].flatMap((found) => {
      const message = ts.flattenDiagnosticMessageText(found.messageText, ' ');
      if (OPEN.has(found.code) || BODY.has(found.code)) return [];
      // The comment `// ...` marks omitted code.
      if (/\/\/ \.\.\./.test(block.code) && /is missing in type/.test(message)) return [];
      if (found.code === 2307 && isOutside(/'(.*?)'/.exec(message)?.[1] ?? '')) return [];
      // The generated imports take one line before the block.
      const line = block.line - 1 + (file?.getLineAndCharacterOfPosition(found.start ?? 0).line ?? 0);
      return [`${block.page}:${line}: ${message}`];
    });
  });
}

/** Imports, on one line, of the exported names that code uses but does not declare. @param {string} code @param {ReadonlyMap<string, string>} exports */
function importsFor(code, exports) {
  const file = ts.createSourceFile('fragment.ts', code, ts.ScriptTarget.Latest, true);
  /** @type {Set<string>} */
  const used = new Set();
  /** @type {Set<string>} */
  const declared = new Set();
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isIdentifier(node)) {
      const { parent } = node;
      const isName = 'name' in parent && parent.name === node;
      if (!isName) used.add(node.text);
      else if (!ts.isPropertyAccessExpression(parent) && !ts.isPropertyAssignment(parent)) declared.add(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return [...used]
    .filter((name) => exports.has(name) && !declared.has(name))
    .map((name) => `import { ${name} } from '${exports.get(name)}';`)
    .join(' ');
}
